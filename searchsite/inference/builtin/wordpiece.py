"""WordPiece as uncased BERT does it: text to ids of its vocabulary, in plain Python."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

LONGEST_WORD = 100
CJK = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2CEAF))


def _is_cjk(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in CJK)


def _is_punctuation(char: str) -> bool:
    # BERT counts every ASCII symbol as punctuation, "$" and "^" too.
    ascii_symbol = "!" <= char <= "~" and not char.isalnum()
    return ascii_symbol or unicodedata.category(char).startswith("P")


def _cleaned(char: str) -> str:
    """The character, a space for white space, or nothing for what cannot be seen."""
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char in "\0\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs"):
        return ""
    return f" {char} " if _is_cjk(char) else char


def words(text: str) -> Iterator[str]:
    """Lower-case words without accents; every punctuation mark and every CJK character is its own word."""
    lowered = unicodedata.normalize("NFD", "".join(map(_cleaned, text)).lower())
    bare = "".join(char for char in lowered if unicodedata.category(char) != "Mn")
    spaced = "".join(f" {char} " if _is_punctuation(char) else char for char in bare)
    yield from spaced.split()


class WordPiece:
    """A tokenizer over one vocabulary file. Thread-safe."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").split("\n")
        self._ids = {piece: number for number, piece in enumerate(lines) if piece}
        self._unknown, self._start, self._end = (self._ids[name] for name in ("[UNK]", "[CLS]", "[SEP]"))
        self._pieces = lru_cache(maxsize=50_000)(self._split)

    def ids(self, text: str, limit: int) -> list[int]:
        """At most `limit` ids, the start and end marks among them; the rest of the text is left out."""
        found: list[int] = []
        for word in words(text):
            found += self._pieces(word)
            if len(found) >= limit - 2:
                break
        return [self._start, *found[: limit - 2], self._end]

    def _split(self, word: str) -> tuple[int, ...]:
        """The longest known pieces from left to right, or the unknown mark."""
        if len(word) > LONGEST_WORD:
            return (self._unknown,)
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self._ids), None)
            if end is None:
                return (self._unknown,)
            found.append(self._ids[mark + word[start:end]])
            start = end
        return tuple(found)
