"""Markdown: what it shows, whom it shows pictures, and what it never lets through."""

from __future__ import annotations

import re
import time
import uuid
from html.parser import HTMLParser

import pytest

from searchsite.accounts.models import Team, User
from searchsite.library import collections, wording
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from searchsite.web import markdown
from tests import made
from tests.people import alice, team

__all__ = ["alice", "team"]
XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x]( javascript:alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/)",
    "[x](/\\evil.example/)",
    "[x](/accounts/logout/)",
    "[x](/items/../accounts/logout/)",
    "[x](/items/00000000-0000-0000-0000-000000000000/trash)",
    "[x](#main)",
    "<javascript:alert(1)>",
    "<data:text/html,hi>",
    '[x](http://a.example/"onmouseover="alert(1))',
    "[x](http://a.example 'y\" onmouseover=alert(1) z')",
    '![" onerror="alert(1)](http://a.example/x.png)',
    '![" onerror="alert(1)](/items/00000000-0000-0000-0000-000000000000)',
    "![x](javascript:alert(1))",
    "[x][1]\n\n[1]: javascript:alert(1)",
    '```"><script>alert(1)</script>\ncode\n```',
    "``<script>alert(1)</script>``",
    "    <script>alert(1)</script>",
    "| <b>a</b> |\n|---|\n| <script>x</script> |",
    "# <iframe src=//evil.example>",
    "- [ ] <img src=x onerror=alert(1)>",
    "<!-- --><style>*{display:none}</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<x" + "\x00" + "script>alert(1)</script>",
    "[<img src=x onerror=alert(1)>](http://a.example)",
]
ALLOWED = {
    "a": {"href", "rel", "class"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt", "loading"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "span": {"class", "role", "aria-label"},
    "th": {"class"},
    "td": {"class"},
    "ol": {"start"},
}
BARE = ["p", "br", "hr", "em", "strong", "s", "code", "pre", "ul", "li", "blockquote", "table", "thead", "tbody", "tr"]
BARE += ["h2", "h3", "h4", "h5", "h6"]
HOSTILE = {
    "brackets": "[" * 1_000_000,
    "pictures": "![" * 500_000,
    "stars": "*a_" * 300_000,
    "stars, in paragraphs": ("*a _b [c " * 100 + "\n\n") * 500,
    "quotes": ">" * 100_000,
    "quotes in lines": "\n".join(">" * depth + "a" for depth in range(2000)),
    "lists": "\n".join("  " * depth + "- a" for depth in range(1000)),
    "ticks": " ".join("`" * length for length in range(1000)),
    "links": "[a](" * 200_000,
    "angles": "<" * 500_000,
    "a table": "|a" * 50_000 + "\n" + "|-" * 50_000 + "\n|b",
    "addresses": "\n\n".join(f"[a{number}]: http://x/{number}" for number in range(20_000)) + "[a1]" * 20_000,
    "words": "word " * 400_000,
    "lines": "a\n" * 400_000,
}


class Reads(HTMLParser):
    """Notes every tag, and what is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            unknown = name not in ALLOWED.get(tag, set())
            risky = name in ("href", "src") and not re.match(r"https?://|mailto:|/items/", value or "")
            if unknown or risky or (tag == "img" and name == "src" and not (value or "").startswith("/items/")):
                self.wrong.append(f"{tag} {name}={value}")
        if tag not in (*ALLOWED, *BARE):
            self.wrong.append(tag)


@pytest.fixture
def show(alice: User, team: Team):
    return lambda text: markdown.rendered(text, scope_for(alice, team))


@pytest.fixture
def fjord(alice: User, team: Team) -> Item:
    item = made.picture(made.place(alice, team), title="A fjord")
    Item.objects.update(width=160, height=120)
    return item


@pytest.mark.parametrize("text", XSS)
def test_nothing_in_a_note_runs_or_looks_like_it(show, text: str) -> None:
    reads = Reads()
    reads.feed(show(text))
    assert reads.wrong == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_note_costs_a_bounded_time(show, name: str) -> None:
    start = time.process_time()
    page = show(HOSTILE[name])
    assert time.process_time() - start < 5
    assert len(page) < 12_000_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Bread", "<h2>Bread</h2>"),
        ("**bold** and *thin*", "<strong>bold</strong> and <em>thin</em>"),
        ("- [x] flour\n- [ ] salt", 'aria-label="Done">☑</span> flour'),
        ("| a | b |\n|--:|---|\n| 1 | 2 |", '<th class="end">a</th>'),
        ("```\n1 < 2\n```", "<pre><code>1 &lt; 2\n</code></pre>"),
        ("~~gone~~", "<s>gone</s>"),
        ("[here](https://a.example/?b=1&c=2)", '<a href="https://a.example/?b=1&amp;c=2" rel="noopener nofollow">here'),
        ("[write](mailto:a@b.example)", '<a href="mailto:a@b.example"'),
        ("<https://a.example>", '<a href="https://a.example"'),
        ("![a tree](https://a.example/t.png)", '<a href="https://a.example/t.png" rel="noopener nofollow">a tree</a>'),
    ],
)
def test_marks_become_markup(show, text: str, shown: str) -> None:
    assert shown in show(text)


def test_a_picture_of_the_library_stands_in_the_note(show, fjord: Item) -> None:
    page = show(f"![the fjord](/items/{fjord.public_id})")
    assert f'href="/items/{fjord.public_id}"' in page and 'alt="the fjord"' in page
    # By widths to choose from, a browser would take it for as large as the derivative may be.
    assert f'src="/items/{fjord.public_id}/thumbnail/2048"' in page and "srcset" not in page


def test_a_picture_that_one_may_not_see_looks_like_one_that_is_not_there(alice: User, team: Team, fjord: Item) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice)
    type(diary).objects.filter(pk=diary.pk).update(visibility="private")
    Item.objects.update(collection=diary)
    stranger = scope_for(made.person("charlie"), team)
    shown = {
        markdown.rendered(f"![secret](/items/{one})", stranger).replace(str(one), "")
        for one in (fjord.public_id, uuid.uuid4())
    }
    assert shown == {'<p><span class="missing">picture not available</span></p>\n'}


def test_what_is_too_long_is_shown_as_it_is_written(show) -> None:
    page = show("a line\n\n" * 30_000 + "**the end**")
    assert page.startswith("<p>a line</p>") and page.endswith("**the end**</div>")


def test_an_endless_address_is_none(show) -> None:
    for text in ("[a]: http://x/{}\n\n[a]", "[a](http://x/{})", "<http://x/{}>"):
        assert "href" in show(text.format("A" * 1_900)) and "href" not in show(text.format("A" * 2_000))


def test_what_would_show_too_much_is_shown_as_it_is_written(show) -> None:
    text = "[a]: http://x/" + "A" * 1_900 + "\n\n" + ("[a] " * 400 + "\n\n") * 15 + "**the end**"
    assert show(text) == f'<div class="rest">{text}</div>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Bread\n\n- **salt** and `flour`", "Bread\n\nsalt and flour"),
        ("see [the list](/items/x) and ![a loaf](/items/y)", "see the list and a loaf"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("> quoted\n1. one\n---\n```py\nx\n```", "quoted\none\n\n\nx\n"),
    ],
)
def test_a_snippet_has_no_marks(text: str, said: str) -> None:
    assert wording.unmarked(text) == said
