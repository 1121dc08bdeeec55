"""The few words around a match, with the match marked."""

from __future__ import annotations

import re
from html import escape

from django.utils.safestring import SafeString, mark_safe

from searchsite.search.words import phrases_in

AROUND = 60
LENGTH = 260
WORD = re.compile(r"\w+", re.UNICODE)


def pattern_of(question: str) -> re.Pattern[str] | None:
    """Return what finds a question's texts in quotes and its words that are worth marking; None when it has none."""
    words = {
        word.casefold()
        for word in WORD.findall(question[:2000])
        if len(word) > 2 or not word.isalpha() or not word.isascii()
    }
    longest = sorted(words, key=len, reverse=True)[:20]
    quoted = (r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases_in(question))
    found = [*quoted, *map(re.escape, longest)]
    # At a word's start only: "art" marks "artist" too, but not "party".
    return re.compile(r"(?<!\w)(" + "|".join(found) + ")", re.IGNORECASE) if found else None


def snippet(text: str, pattern: re.Pattern[str] | None, *, length: int = LENGTH) -> SafeString:
    """Return at most `length` characters around the longest match, escaped, every match in <mark>."""
    found = max(pattern.finditer(text), key=_length, default=None) if pattern else None
    start = max(0, found.start() - AROUND) if found else 0
    if start:
        space = text.find(" ", start, start + AROUND)
        start = space + 1 if space >= 0 else start
    cut = text[start : start + length]
    before, after = ("… " if start else ""), (" …" if start + length < len(text) else "")
    # What is split off by a group stands at the odd places. Every piece is escaped before it is marked safe.
    pieces = [escape(piece) for piece in (pattern.split(cut) if pattern else [cut])]
    pieces[1::2] = [f"<mark>{piece}</mark>" for piece in pieces[1::2]]
    return mark_safe(before + "".join(pieces) + after)


def _length(match: re.Match[str]) -> int:
    return match.end() - match.start()
