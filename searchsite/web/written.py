"""An answer as the page shows it: escaped markup, made here, whole or as events while it is written."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from searchsite.answers.answering import Answering
from searchsite.answers.events import PING, event, steps
from searchsite.answers.writing import Block, Line, Span
from searchsite.search.marks import marks_of
from searchsite.web import snippets

QUOTED, SHORT = 280, 4
STYLES = {"": "{}", "strong": "<strong>{}</strong>", "em": "<em>{}</em>", "code": "<code>{}</code>"}
# Asking again may bring the whole of it.
AGAIN = {"cut", "interrupted", "stopped", "away", "changed"}


def page_of(answering: Answering) -> dict[str, Any]:
    """Return all that the page shows of an answer that has ended."""
    return {"answer": blocks(answering), "answering": answering} | sources_of(answering) | outcome_of(answering)


def sources_of(answering: Answering) -> dict[str, Any]:
    """Return the sources with the words around what matched."""
    # Short words of a question ("how does the") are in every text.
    long = [word for word in answering.asked.question.split() if len(word) > SHORT or not word.isascii()]
    texts = [" ".join((source.quote or source.text).split()) for source in answering.sources]
    marks = marks_of(" ".join(long), texts)
    shown = [
        (source, snippets.snippet(text, marks, length=QUOTED))
        for source, text in zip(answering.sources, texts, strict=True)
    ]
    return {
        "sources": shown,
        "notes": [one for one in answering.results.notes if one not in answering.results.standing],
    }


def outcome_of(answering: Answering) -> dict[str, Any]:
    """Return how it ended."""
    return {
        "answering": answering,
        "again": answering.state in AGAIN,
        "unsourced": bool(answering.text) and not answering.cited,
    }


def blocks(answering: Answering) -> list[SafeString]:
    """Return the markup of each block; what names no source is marked once the answer has ended."""
    marks = not answering.is_running and bool(answering.cited)
    titles = [source.item.title for source in answering.sources]
    return [_block(block, titles, bare=marks and _is_bare(block)) for block in answering.blocks]


def events(answering: Answering) -> Generator[bytes]:
    """The answer as events: sources, thinking, answer (the blocks from a place on), end; each with markup."""
    yield event("sources", html=render_to_string("ask/_sources.html", sources_of(answering)))
    shown: list[SafeString] = []
    thought = ""
    for _step in steps(answering):
        if answering.thoughts != thought:
            yield _thought(thought, answering.thoughts)
            thought = answering.thoughts
        now = blocks(answering)
        yield event("answer", **_changed(shown, now)) if now != shown else PING
        shown = now
    if not answering.sources:
        yield event("sources", html="")
    html = render_to_string("ask/_outcome.html", outcome_of(answering))
    yield event("end", state=answering.state, cited=answering.cited, html=html)


def _thought(before: str, now: str) -> bytes:
    if now.startswith(before):
        return event("thinking", more=now[len(before) :])
    return event("thinking", all=now)


def _changed(before: Sequence[str], now: Sequence[str]) -> dict[str, Any]:
    """The blocks from the first that differs."""
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    return {"from": same, "blocks": list(now[same:])}


def _is_bare(block: Block) -> bool:
    return block.kind != "code" and not block.numbers and not block.leads_in


def _block(block: Block, titles: Sequence[str], *, bare: bool) -> SafeString:
    mark = format_html('<span class="bare">{}</span>', _("without source")) if bare else ""
    if block.kind == "code":
        return format_html("<pre><code>{}</code></pre>", "\n".join(span.text for line in block.lines for span in line))
    lines = [(_line(line, titles),) for line in block.lines]
    if block.kind == "p":
        return format_html('<p dir="auto">{}{}</p>', format_html_join("", "{}", lines), mark)
    items = format_html_join("", '<li dir="auto">{}</li>', lines)
    if block.kind == "ol":
        return format_html('<ol start="{}">{}</ol>{}', block.start, items, mark)
    return format_html("<ul>{}</ul>{}", items, mark)


def _line(line: Line, titles: Sequence[str]) -> SafeString:
    return format_html_join("", "{}", ((_span(span, titles),) for span in line))


def _span(span: Span, titles: Sequence[str]) -> SafeString:
    if span.style != "cite":
        return format_html(STYLES[span.style], span.text)
    label = _("Source %(number)s: %(title)s") % {"number": span.number, "title": titles[span.number - 1]}
    return format_html(
        '<a class="cite" href="#source-{}" title="{}" aria-label="{}">{}</a>', span.number, label, label, span.number
    )
