"""The few words around a match, with the match marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe

from searchsite.search.marks import Marks, Span, fold

AROUND = 60
LENGTH = 260
# Of a text full of matches, so many are looked at for the best place.
MOST_SPANS = 40


def snippet(text: str, marks: Marks | None, *, length: int = LENGTH, inside: bool = False) -> SafeString:
    """Return at most `length` characters around what says most, escaped, every match in <mark>."""
    spans = marks.spans(text, inside=inside) if marks else []
    start = max(0, _best(text, spans, length) - AROUND) if spans else 0
    if start:
        space = text.find(" ", start, start + AROUND)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + length)
    before, after = ("… " if start else ""), (" …" if end < len(text) else "")
    return mark_safe(before + _marked(text, spans, start, end) + after)  # nosec B308 B703 - _marked escapes


def marked(text: str, marks: Marks | None) -> SafeString | str:
    """Return the whole text, every match in <mark>; one without any as it is."""
    spans = marks.spans(text) if marks else []
    return mark_safe(_marked(text, spans, 0, len(text))) if spans else text  # nosec B308 B703 - _marked escapes


def _marked(text: str, spans: Sequence[Span], start: int, end: int) -> str:
    """Every piece is escaped before it is marked."""
    pieces, at = [], start
    for first, last in spans:
        if first < at or first >= end:
            continue
        last = min(last, end)
        pieces += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    return "".join([*pieces, escape(text[at:end])])


def _best(text: str, spans: Sequence[Span], length: int) -> int:
    """Where the match begins from which on the most different words stand together; the longer first among equals."""
    tried = spans[:MOST_SPANS]
    words = [fold(text[start:end]) for start, end in tried]

    def told(at: int) -> tuple[int, int]:
        reach = tried[at][0] + length - 2 * AROUND
        near = {word for word, (_start, end) in zip(words[at:], tried[at:], strict=True) if end <= reach}
        return sum(map(len, near)), len(words[at])

    return tried[max(range(len(tried)), key=told)][0]
