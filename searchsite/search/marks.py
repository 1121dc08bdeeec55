"""Where the words of a question stand in texts, as full text sees it: by their stems, case and accents aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import LiteralString

from searchsite.indexing import tables
from searchsite.search import columns
from searchsite.search.words import phrases_in

# Names of files join words by underscores.
WORD = re.compile(r"[^\W_]+")
# Said by Postgres, and kept: a library's words come again and again.
LEXEMES: LiteralString = """
SELECT word, tsvector_to_array(to_tsvector('searchsite', word)) FROM unnest(%(words)s::text[]) AS word
"""
MOST_KEPT = 50_000
# A stem begins as its word does, so of a long text few words have to be looked up.
ALIKE_FROM = 2
MOST_WORDS, MOST_FORMS, MOST_CHARS = 32, 200, 40_000
NEVER = re.compile(r"(?!)")
Span = tuple[int, int]
_kept: dict[str, frozenset[str]] = {}


class _Folding(dict[int, str]):
    """One character for each, so that places in a folded text are those in the text."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code)).lower()
        bare = "".join(sign for sign in plain if not unicodedata.combining(sign))
        self[code] = bare if len(bare) == 1 else chr(code)
        return self[code]


_FOLDING = _Folding()


def fold(text: str) -> str:
    """The text without case and accents, each character in its place."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


@dataclass(frozen=True)
class Marks:
    """forms: the folded words of the texts that full text takes for words of the question. phrases: what must be there
    as it is. tokens: the question's words, for texts in which they are parts of others.
    """

    forms: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()

    def spans(self, text: str, *, inside: bool = False) -> list[Span]:
        """Where they stand, first to last; where none does, where a word begins with one. inside: or holds one."""
        folded = fold(text[:MOST_CHARS])
        if found := [*_found(self._quoted, folded), *_found(self._forms, folded, begins=True)]:
            return sorted(found)
        found = _found(self._tokens, folded, begins=True)
        return found or (_found(self._tokens, folded) if inside else [])

    def words(self, text: str, *, inside: bool = False) -> tuple[str, ...]:
        """Those that stand in a text, as they are written there, each once."""
        written = (" ".join(text[start:end].split()) for start, end in self.spans(text, inside=inside))
        return tuple({fold(one): one for one in written}.values())

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        return _any_of(r"\s+".join(map(re.escape, phrase.split())) for phrase in self.phrases)

    @cached_property
    def _forms(self) -> re.Pattern[str]:
        forms = sorted(self.forms, key=len, reverse=True)[:MOST_FORMS]
        return _any_of(map(re.escape, forms), then=r"(?![^\W_])")

    @cached_property
    def _tokens(self) -> re.Pattern[str]:
        return _any_of(map(re.escape, self.tokens))


def marks_of(words: str, texts: Iterable[str]) -> Marks:
    """What finds the words of a question in these texts. words: with texts that must be there in quotes."""
    phrases = tuple(fold(phrase) for phrase in phrases_in(words))
    loose = fold(re.sub(r'"[^"]*"', " ", words))
    asked = list(dict.fromkeys(WORD.findall(loose)))[:MOST_WORDS]
    if not asked:
        return Marks(phrases=phrases)
    lexemes = frozenset[str]().union(*_lexemes(asked).values())
    starts = {lexeme[:ALIKE_FROM] for lexeme in map(fold, lexemes)}
    there = {word for text in texts for word in WORD.findall(fold(text[:MOST_CHARS])) if word[:ALIKE_FROM] in starts}
    forms = frozenset(word for word, own in _lexemes(there).items() if own & lexemes)
    # What full text leaves out, such as "the", is no reason to mark "then"; what it knows none of is looked for as is.
    telling = [word for word in asked if _lexemes([word])[word]]
    tokens = sorted((word for word in telling if columns.INDEXED.search(word)), key=len, reverse=True)
    return Marks(forms, phrases, tuple(tokens))


def _lexemes(words: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """What full text makes of each word; at most one query, for those that are not kept."""
    every = set(words)
    known = {word: own for word in every if (own := _kept.get(word)) is not None}
    missing = sorted(every - known.keys())
    if missing:
        with tables.cursor() as cursor:
            rows = cursor.execute(LEXEMES, {"words": missing}, prepare=True, binary=True).fetchall()
        fresh = {word: frozenset(lexemes) for word, lexemes in rows}
        if len(_kept) + len(fresh) > MOST_KEPT:
            _kept.clear()
        _kept.update(fresh)
        known |= fresh
    return known


def _found(pattern: re.Pattern[str], text: str, *, begins: bool = False) -> list[Span]:
    """Where it is found. begins: at the beginning of words alone, which is looked at here: a pattern that begins with
    its letters is found some times faster than one that looks back first.
    """
    every = (match.span() for match in pattern.finditer(text))
    return [span for span in every if not (begins and span[0] and WORD.match(text[span[0] - 1]))]


def _any_of(patterns: Iterable[str], *, then: str = "") -> re.Pattern[str]:
    joined = "|".join(patterns)
    return re.compile(f"(?:{joined}){then}") if joined else NEVER
