"""The few words around a match, with the match marked."""

from __future__ import annotations

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

AROUND = 60
LENGTH = 260
WORD = re.compile(r"\w+", re.UNICODE)


def words_of(question: str) -> list[str]:
    """Return the words of a question that are worth marking, longest first."""
    words = {
        word.casefold()
        for word in WORD.findall(question[:2000])
        if len(word) > 2 or not word.isalpha() or not word.isascii()
    }
    return sorted(words, key=len, reverse=True)[:20]


def snippet(text: str, words: list[str], *, length: int = LENGTH) -> SafeString:
    """Return at most `length` characters around the first match, escaped, every match in <mark>."""
    pattern = _pattern(words)
    found = pattern.search(text) if pattern else None
    start = max(0, found.start() - AROUND) if found else 0
    if start:
        space = text.find(" ", start, start + AROUND)
        start = space + 1 if space >= 0 else start
    cut = text[start : start + length]
    before, after = ("… " if start else ""), (" …" if start + length < len(text) else "")
    return format_html("{}{}{}", before, _marked(cut, pattern), after)


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    # At a word's start only: "art" marks "artist" too, but not "party".
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + ")", re.IGNORECASE)


def _marked(text: str, pattern: re.Pattern[str] | None) -> SafeString:
    if pattern is None:
        return format_html("{}", text)
    pieces: list[tuple[SafeString, str, SafeString]] = []
    at = 0
    for match in pattern.finditer(text):
        pieces += [(mark_safe(""), text[at : match.start()], mark_safe(""))]
        pieces += [(mark_safe("<mark>"), match.group(), mark_safe("</mark>"))]
        at = match.end()
    pieces.append((mark_safe(""), text[at:], mark_safe("")))
    return format_html_join("", "{}{}{}", pieces)
