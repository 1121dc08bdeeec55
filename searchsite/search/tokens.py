"""Cuts the words of a question into words, texts in quotes, fields, brackets and ORs, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from searchsite.search import fields

# What phones and word processors make of a quotation mark.
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
# One letter alone is an option, as in "what does -i do"; in scripts without an alphabet it is a word.
NEGATED = re.compile(r"-(?![-\s])(?![A-Za-z0-9](?:\s|$)).")
# A quotation mark in a word, but for inches.
INSIDE = re.compile(r"[^\W\d]\"")
FIELD = re.compile(f"(?P<name>{'|'.join(fields.NAMES)}):", re.IGNORECASE)


class Token(NamedTuple):
    """kind: (, ), or, word, phrase, empty (quotation marks with nothing between them), or the name of a field. closed:
    not a quotation mark without its partner. parted: the name of a field with a blank before what may be its value.
    start and end: where it stands in the text.
    """

    kind: str
    text: str = ""
    negated: bool = False
    closed: bool = True
    parted: bool = False
    start: int = 0
    end: int = 0


def tokens(text: str) -> Iterator[Token]:
    """What a text is made of. Its quotation marks are plain ones; each character is looked at a few times at most."""
    at, depth = 0, 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text[at] == ")" and depth:
            depth, at = depth - 1, at + 1
            yield Token(")", start=at - 1, end=at)
            continue
        begin, negated = at, bool(NEGATED.match(text, at))
        at += negated
        if text[at] == "(":
            depth, at = depth + 1, at + 1
            yield Token("(", "", negated, start=begin, end=at)
            continue
        at, found = _leaf(text, at, depth, negated=negated)
        for token in found:
            yield token._replace(start=begin, end=at)


def _leaf(text: str, at: int, depth: int, *, negated: bool) -> tuple[int, list[Token]]:
    """A word, a text in quotes or a field, and where it ends."""
    field = FIELD.match(text, at)
    name = fields.NAMES[field["name"].lower()] if field else ""
    start = field.end() if field else at
    found: list[Token] = []
    if text[start : start + 1] == '"':
        opened = _run(text, start)
        if _is_empty_pair(text, start, opened):
            return opened, [Token("empty")]
        end = text.find('"', opened)
        if end >= 0:
            inside = " ".join(text[opened:end].split())
            return _run(text, end), [Token(name or "phrase", inside, negated) if inside else Token("empty")]
        # Without a partner it is left out.
        found.append(Token("word", closed=False))
        if not field:
            return opened, found
    end = max(_end(text, start, depth), at + 1)
    written = text[start:end]
    word = written.replace('"', " ").strip()
    if INSIDE.search(written):
        found.append(Token("word", closed=False))
    parted = False
    if field and not word:
        name, word = "", text[at:end].replace('"', " ").strip()
        value = text[end:].lstrip()
        parted = bool(value) and text[end].isspace() and not FIELD.match(value)
    if word:
        kind = "or" if word in ("OR", "|") and not negated else name or "word"
        found.append(Token(kind, word, negated, parted=parted))
    return end, found


def _run(text: str, at: int) -> int:
    """Where a run of quotation marks ends."""
    while at < len(text) and text[at] == '"':
        at += 1
    return at


def _is_empty_pair(text: str, start: int, end: int) -> bool:
    """Whether a run of quotation marks is a pair with nothing between; before a word, two are one written twice."""
    return end - start == 2 and not text[end : end + 1].isalnum()


def _parts(text: str, at: int) -> bool:
    """Whether a quotation mark ends the word before it; after a digit it stands for inches."""
    before = text[at - 1]
    return not before.isalnum() or (before.isalpha() and _begins_quote(text, at))


def _begins_quote(text: str, at: int) -> bool:
    """Whether the quotation mark after a letter begins a text in quotes: one that ends, without blanks at its ends."""
    opened = _run(text, at)
    if _is_empty_pair(text, at, opened):
        return True
    end = text.find('"', opened)
    return end > opened and not text[opened].isspace() and not text[end - 1].isspace()


def _end(text: str, start: int, depth: int) -> int:
    """Where a word ends: at a blank, at a bracket that closes a group and none of the word's own, before a quote."""
    own = 0
    for end in range(start, len(text)):
        sign = text[end]
        if sign.isspace() or (sign == '"' and end > start and _parts(text, end)):
            return end
        own += (sign == "(") - (sign == ")")
        if own < 0:
            if depth:
                return end
            own = 0
    return len(text)
