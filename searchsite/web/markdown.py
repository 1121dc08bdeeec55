"""Markdown as the pages show it: no markup but our own, no address that could do anything, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from searchsite.library import signing
from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search.marks import Marks
from searchsite.web import snippets

# What lies beyond is shown as plain text: parsing costs up to a tenth of a millisecond a mark, and some a square.
MOST_CHARS, MOST_MARKS = 100_000, 15_000
MOST_MARKS_IN_A_PARAGRAPH = 1_000
# One address may stand behind many links, so what comes out is bounded as well.
MOST_OF_AN_ADDRESS, MOST_SHOWN = 2_000, 1_000_000
NESTED = 20
MARK = re.compile(r"[!-/:-@\[-`{-~\n]")
OURS = re.compile(r"/items/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[?#][^\s]*)?", re.I)
ELSEWHERE = re.compile(r"(?:https?://[^\s/]|mailto:[^\s])", re.I)
TASK = re.compile(r"\[([ xX])\] ")
# Of the longer side: screenshots in a note are read, and never shown larger than they are.
SIZE = 2048


def rendered(text: str, scope: Scope, marks: Marks | None = None) -> SafeString:
    """Return a text in Markdown as markup; pictures of the library that the scope may see stand in it.

    marks: words that are marked, where they stand within one piece of the text.
    """
    cut = _most(text)
    tokens = _parser().parse(text[:cut])
    if sum(map(_length, _all(tokens))) > MOST_SHOWN:
        cut, tokens = 0, []
    seen = _seen(tokens, scope)
    body = _Renderer(seen, marks).render(tokens, _parser().options, {})
    rest = format_html('<div class="rest">{}</div>', snippets.marked(text[cut:], marks)) if text[cut:].strip() else ""
    return mark_safe(body + rest)  # nosec B308 B703 - no markup comes through, and what is written is escaped


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "maxNesting": NESTED}).enable(["table", "strikethrough"])
    parser.core.ruler.at("inline", _inline)
    return parser


class _Parser(MarkdownIt):
    """Takes only addresses that are known to be harmless."""

    def validateLink(self, url: str) -> bool:
        """Whether a link or a picture may have this address."""
        return len(url) <= MOST_OF_AN_ADDRESS and bool(OURS.fullmatch(url) or ELSEWHERE.match(url))


def _inline(state: StateCore) -> None:
    """Parse each paragraph, but take one that is nothing but marks for what it is."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        if len(MARK.findall(token.content)) > MOST_MARKS_IN_A_PARAGRAPH:
            token.children = [Token("text", "", 0, content=token.content)]
        else:
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _most(text: str) -> int:
    """Where to stop: at the end of the last line that fits."""
    marks = [found.end() for found, _count in zip(MARK.finditer(text, 0, MOST_CHARS), range(MOST_MARKS), strict=False)]
    end = marks[-1] if len(marks) == MOST_MARKS else MOST_CHARS
    if end >= len(text):
        return len(text)
    return text.rfind("\n", 0, end) + 1 or end


def _seen(tokens: Sequence[Token], scope: Scope) -> dict[str, Item]:
    """The items that pictures in the text name, as far as the person may see them."""
    named = {_named(str(token.attrs.get("src", ""))) for token in _all(tokens) if token.type == "image"} - {None}
    items = Item.objects.visible_to(scope).filter(public_id__in=named) if named else []
    return {str(item.public_id): item for item in items}


def _named(address: str) -> UUID | None:
    found = OURS.fullmatch(address)
    return UUID(found.group(1)) if found else None


def _length(token: Token) -> int:
    return len(token.content) + sum(len(str(value)) for value in token.attrs.values())


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


class _Renderer(RendererHTML):
    """Writes what the parser found. Headings stand below the page's own."""

    def __init__(self, seen: dict[str, Item], marks: Marks | None) -> None:
        super().__init__()
        self.seen = seen
        rules: dict[str, Any] = {
            "image": self._image,
            "link_open": _link_open,
            "text": partial(_text, marks),
            "heading_open": partial(_heading, opens=True),
            "heading_close": partial(_heading, opens=False),
            "fence": _code,
            "code_block": _code,
            "table_open": lambda *_given: _scrolls(_("Table")) + "<table>",
            "table_close": lambda *_given: "</table></div>",
            # How cells are aligned would stand in a style attribute, which the pages forbid.
            "th_open": partial(_cell, "th"),
            "td_open": partial(_cell, "td"),
        }
        self.rules.update(rules)

    def _image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        source = str(tokens[at].attrs.get("src", ""))
        said = self.renderInlineAsText(tokens[at].children, options, env).strip()
        named = _named(source)
        if named is None:
            return _linked(source, said or source)
        item = self.seen.get(str(named))
        if item is None:
            return format_html('<span class="missing">{}</span>', _("picture not available"))
        address = reverse("item", args=[item.public_id])
        return _picture(item, address, said) if item.width else _linked(address, said or item.title)


def _picture(item: Item, address: str, said: str) -> str:
    shown = signing.shown(reverse("thumbnail", args=[item.public_id, SIZE]))
    return format_html(
        '<a class="pictured" href="{}"><img src="{}" width="{}" height="{}" alt="{}" loading="lazy"></a>',
        *(address, shown, item.width, item.height, said or item.title),
    )


def _linked(address: str, said: str) -> str:
    return format_html('<a href="{}" rel="noopener nofollow">{}</a>', address, said)


def _link_open(tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return format_html('<a href="{}" rel="noopener nofollow">', tokens[at].attrs.get("href", ""))


def _text(marks: Marks | None, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """Plain words; at the start of a list's entry "[x] " is a box that is ticked."""
    content, begins = tokens[at].content, at == 0
    task = TASK.match(content) if begins else None
    if task is None:
        return conditional_escape(snippets.marked(content, marks))
    done = task.group(1) != " "
    words = (_("Done"), "☑") if done else (_("To do"), "☐")
    rest = snippets.marked(content[task.end() :], marks)
    return format_html('<span class="task" role="img" aria-label="{}">{}</span> {}', *words, rest)


def _heading(tokens: Sequence[Token], at: int, options: Any, env: Any, *, opens: bool) -> str:
    tag = f"h{min(6, int(tokens[at].tag[1:]) + 1)}"
    return f"<{tag}>" if opens else f"</{tag}>\n"


def _code(tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return format_html("{}<pre><code>{}</code></pre></div>\n", _scrolls(_("Code")), tokens[at].content)


def _cell(tag: str, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    side = {"text-align:right": "end", "text-align:center": "middle"}.get(str(tokens[at].attrs.get("style", "")), "")
    return f'<{tag} class="{side}">' if side else f"<{tag}>"


def _scrolls(label: str) -> SafeString:
    """What is too wide scrolls by keyboard, too."""
    return format_html('<div class="scrolls" role="group" tabindex="0" aria-label="{}">', label)
