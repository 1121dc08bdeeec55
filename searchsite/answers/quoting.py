"""Finds the sentence of a source that a statement most likely rests on."""

from __future__ import annotations

import re

from searchsite.answers.sources import Source

SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]?")
WORD = re.compile(r"\w+")
LONGEST = 300
# Two words in common, and a third of the statement's: less is chance.
LEAST, SHARE = 2, 0.3


def quote_of(source: Source, statement: str) -> str | None:
    """The source's sentence with most of the statement's words; None where none has enough of them."""
    wanted = _words(statement)
    best, shared = "", 0
    for match in SENTENCE.finditer(source.text):
        common = len(wanted & _words(match[0]))
        if common > shared:
            best, shared = match[0].strip(), common
    return best[:LONGEST] if shared >= LEAST and shared >= SHARE * len(wanted) else None


def _words(text: str) -> set[str]:
    """The words that say something: those of more than three letters, and numbers."""
    return {word.casefold() for word in WORD.findall(text) if len(word) > 3 or not word.isalpha() or not word.isascii()}
