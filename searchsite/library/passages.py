"""Cuts a text into passages that one vector can stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from searchsite.library.models import PASSAGE_CHARS

# From the best place to cut to the worst; each match ends where the next passage begins.
BREAKS = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n+"),
    re.compile(r"[.!?…]['\"”’)\]]*\s+|[。！？]"),
    re.compile(r"\s+"),
)
# A passage is not cut shorter than this for the sake of a good place.
LEAST = PASSAGE_CHARS // 3


@dataclass(frozen=True)
class Passage:
    """A piece of a text: `text` is exactly `whole[start:end]`."""

    text: str
    start: int
    end: int


def split(text: str) -> list[Passage]:
    """Cut at paragraphs, lines, sentences, words, or anywhere. Together the passages are the whole text."""
    passages: list[Passage] = []
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= PASSAGE_CHARS else _cut(text, start)
        passages.append(Passage(text[start:end], start, end))
        start = end
    return passages


def _cut(text: str, start: int) -> int:
    window = text[start : start + PASSAGE_CHARS]
    for breaks in BREAKS:
        ends = [match.end() for match in breaks.finditer(window, LEAST)]
        if ends:
            return start + ends[-1]
    return start + PASSAGE_CHARS
