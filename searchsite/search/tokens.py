"""Cuts the words of a question into words, texts in quotes, fields, brackets and ORs, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from searchsite.search import fields

# What phones and word processors make of a quotation mark.
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
FIELD = re.compile(f"(?P<name>{'|'.join(fields.NAMES)}):", re.IGNORECASE)


class Token(NamedTuple):
    """kind: (, ), or, and, word, phrase, or the name of a field."""

    kind: str
    text: str = ""
    negated: bool = False
    closed: bool = True


def tokens(text: str) -> Iterator[Token]:
    """What a text is made of. Its quotation marks are plain ones; each character is looked at a few times at most."""
    at, depth = 0, 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text[at] == ")" and depth:
            depth -= 1
            at += 1
            yield Token(")")
            continue
        negated = text[at] == "-" and at + 1 < len(text) and not text[at + 1].isspace() and text[at + 1] != "-"
        at += negated
        if text[at] == "(":
            depth += 1
            at += 1
            yield Token("(", "", negated)
            continue
        field = FIELD.match(text, at)
        name = fields.NAMES[field["name"].lower()] if field else "word"
        start = field.end() if field else at
        if text[start : start + 1] == '"':
            end = text.find('"', start + 1)
            if end >= 0:
                at = end + 1
                inside = " ".join(text[start + 1 : end].split())
                if inside:
                    yield Token(name if field else "phrase", inside, negated)
                continue
            # Without a partner it is left out.
            yield Token("word", "", False, closed=False)
            text = text[:start] + " " + text[start + 1 :]
        end = _end(text, start, depth)
        word = text[start:end].replace('"', " ").strip()
        if field and not word:
            name, word = "word", text[at:end].strip()
        at = max(end, at + 1)
        if word:
            yield Token("or" if word in ("OR", "|") and not negated else name, word, negated)


def _end(text: str, start: int, depth: int) -> int:
    """Where a word ends: at a blank, or before brackets that close groups rather than what the word opened."""
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    extra = min(depth, max(0, text.count(")", start, end) - text.count("(", start, end)))
    while extra and end > start and text[end - 1] == ")":
        end -= 1
        extra -= 1
    return end
