"""What the words of a question say: quotes, `-word`, `field:value`, parentheses and OR. Reading takes linear time.

Words are looked for by meaning and by themselves; the rest is a condition that each hit meets. OR joins its two
neighbours, as people know it from search engines: `red cat OR dog` is `red (cat OR dog)`. A group of words joined by OR
is no condition, as meaning has no hard edge, unless something else stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import gettext as _

from searchsite.search import fields, hints
from searchsite.search.hints import EMPTY_BRACKETS as EMPTY_BRACKETS
from searchsite.search.hints import EMPTY_QUOTES as EMPTY_QUOTES
from searchsite.search.hints import HARD_WORDS as HARD_WORDS
from searchsite.search.hints import ONE_SIDED as ONE_SIDED
from searchsite.search.hints import PARTED as PARTED
from searchsite.search.hints import SMALL_OR as SMALL_OR
from searchsite.search.hints import UNCLOSED as UNCLOSED
from searchsite.search.hints import UNQUOTED as UNQUOTED
from searchsite.search.tokens import QUOTES, Token, tokens
from searchsite.search.wrong import BadQuestion

MOST_DEPTH, MOST_CONDITIONS, MOST_PHRASES = 20, 24, 8
# What is left where something was taken out: nothing in brackets, and an AND with nothing before it.
LEFT_OVER = re.compile(r"-?\(\s*\)|(?:(?<=\()|^)\s*AND(?=\s|$)")


@dataclass(frozen=True)
class Word:
    """A word as it was written."""

    text: str


@dataclass(frozen=True)
class Phrase:
    """A text in quotes, its blanks as one."""

    text: str


@dataclass(frozen=True)
class Filter:
    """`field:value`. value: a kind, a tag, a name, the first day, or how long ago at most (negative: at least)."""

    field: str
    value: fields.Value


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    part: Node


@dataclass(frozen=True)
class All:
    """What must all hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Any:
    """Of which one must hold."""

    parts: tuple[Node, ...]


Node = Word | Phrase | Filter | Not | All | Any


class Piece(NamedTuple):
    """A node, and where it stands in the text. inside: what stands side by side in a group."""

    node: Node
    start: int
    end: int
    inside: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Reading:
    """words: what to look for by meaning and by words, with each phrase that must be there in quotes. conditions: what
    each hit must meet besides, of so many words, texts and fields (size). notes: what was read in another way than it
    was written, to be translated. phrases: how many there are. pieces: the conditions and the phrases, each with its
    place.
    """

    words: str
    conditions: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()
    size: int = field(default=0, compare=False)
    phrases: int = field(default=0, compare=False)
    pieces: tuple[Piece, ...] = field(default=(), compare=False)


@lru_cache(maxsize=512)
def read(text: str) -> Reading:
    """Read the words of a question. Raises BadQuestion where a field's value can't be understood, or it is too deep."""
    text = text.translate(QUOTES)
    reader, taken = _Reader(), list(tokens(text))
    for token in taken:
        reader.take(token)
    top, plain = reader.ended(), reader.plain and '"' not in text
    notes = tuple(dict.fromkeys([*reader.notes, *hints.of_capitals(taken, plain=plain)]))
    if plain:
        # A text without any grammar is embedded as it was written.
        return Reading(text, notes=notes)
    pieces = tuple(piece for piece in top if not _is_soft(piece.node))
    conditions = tuple(piece.node for piece in pieces if not isinstance(piece.node, Phrase))
    said = " ".join(filter(None, (_said(piece.node, quoted=True) for piece in top)))
    size = sum(len(list(leaves(node))) for node in conditions)
    return Reading(said, conditions, notes, size, len(pieces) - len(conditions), pieces)


def without(text: str, piece: Piece) -> str:
    """The text of a question without one of its pieces, so that the rest still says what it said."""
    left = f"{text[: piece.start].rstrip()} {text[piece.end :].lstrip()}"
    while (tidy := LEFT_OVER.sub("", left)) != left:
        left = tidy
    return " ".join(left.split())


class _Frame:
    """One open group, which begins at a place in the text."""

    def __init__(self, start: int = 0, *, negated: bool = False) -> None:
        self.start = start
        self.negated = negated
        self.choices: list[list[Piece]] = []
        self.joins = False

    def add(self, piece: Piece) -> None:
        if self.joins:
            self.choices[-1].append(piece)
        else:
            self.choices.append([piece])
        self.joins = False

    def parts(self) -> tuple[Piece, ...]:
        return tuple(own[0] if len(own) == 1 else _joined(own) for own in self.choices)

    def piece(self, end: int) -> Piece | None:
        parts = self.parts()
        if not parts:
            return None
        inside = parts[0].node if len(parts) == 1 else All(tuple(part.node for part in parts))
        if self.negated:
            return Piece(_negated(inside), self.start, end)
        return Piece(inside, self.start, end, parts)


def _joined(choices: list[Piece]) -> Piece:
    return Piece(Any(tuple(piece.node for piece in choices)), choices[0].start, choices[-1].end)


class _Reader:
    """Builds the tree with a stack of its own, so that no text is too deep for Python's."""

    def __init__(self) -> None:
        self.open = [_Frame()]
        self.notes: list[str] = []
        self.plain = True
        self.end = 0

    def take(self, token: Token) -> None:
        frame = self.open[-1]
        self.plain = self.plain and token.kind == "word" and token.closed and not token.negated
        self.notes += [PARTED] * token.parted
        if not token.closed:
            self.notes.append(UNQUOTED)
        elif token.kind == "empty":
            self.notes.append(EMPTY_QUOTES)
        elif token.kind == "(":
            if len(self.open) > MOST_DEPTH:
                raise BadQuestion(_("Brackets lie at most %(most)d deep.") % {"most": MOST_DEPTH})
            self.open.append(_Frame(token.start, negated=token.negated))
        elif token.kind == ")":
            self._close(token.end)
        elif token.kind == "or":
            if frame.choices and not frame.joins:
                frame.joins = True
            else:
                self.notes.append(ONE_SIDED)
        elif not (token.text == "AND" and token.kind == "word" and frame.choices):
            node = _leaf(token)
            frame.add(Piece(_negated(node) if token.negated else node, token.start, token.end))
        self.end = token.end

    def _close(self, end: int) -> None:
        closed = self.open.pop()
        self._check_sides(closed)
        if (piece := closed.piece(end)) is not None:
            self.open[-1].add(piece)
        else:
            self.notes.append(EMPTY_BRACKETS)

    def ended(self) -> list[Piece]:
        """What stands side by side in the question."""
        if len(self.open) > 1:
            self.notes.append(UNCLOSED)
        while len(self.open) > 1:
            self._close(self.end)
        self._check_sides(self.open[0])
        top = list(_flat(self.open[0].parts()))
        self.notes += [SMALL_OR] * _means_or(top) + [HARD_WORDS] * any(map(_hardens, top))
        return top

    def _check_sides(self, frame: _Frame) -> None:
        if frame.joins:
            self.notes.append(ONE_SIDED)


def _leaf(token: Token) -> Node:
    if token.kind == "word":
        return Word(token.text)
    if token.kind == "phrase":
        return Phrase(token.text)
    return Filter(token.kind, fields.value_of(token.kind, token.text))


def _negated(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node)


def _flat(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Groups without OR say the same without their brackets."""
    for piece in pieces:
        if piece.inside:
            yield from _flat(piece.inside)
        elif isinstance(piece.node, All):
            yield from _flat(piece._replace(node=part) for part in piece.node.parts)
        else:
            yield piece


def _means_or(top: list[Piece]) -> bool:
    """Whether a small "or" stands beside a condition or a text in quotes, where people mean OR."""
    small = (at for at, piece in enumerate(top) if isinstance(piece.node, Word) and piece.node.text.lower() == "or")
    return any(0 < at < len(top) - 1 and not all(_is_soft(top[at + by].node) for by in (-1, 1)) for at in small)


def _hardens(piece: Piece) -> bool:
    """Whether words became conditions because OR joins them to one."""
    if not isinstance(piece.node, Any) or _is_soft(piece.node):
        return False
    wanted = (part for part in piece.node.parts if not isinstance(part, Not))
    return any(isinstance(leaf, Word) for part in wanted for leaf in leaves(part))


def _is_soft(node: Node) -> bool:
    if isinstance(node, All | Any):
        return all(map(_is_soft, node.parts))
    return isinstance(node, Word)


def leaves(node: Node) -> Iterator[Word | Phrase | Filter]:
    """The words, texts and fields that a node is made of."""
    if isinstance(node, Not):
        yield from leaves(node.part)
    elif isinstance(node, All | Any):
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def words_of(text: str) -> list[Word]:
    """The words of a text that are looked for as they are: not in quotes, no field's value, and not left out."""
    words: list[Word] = []
    for token in tokens(text.translate(QUOTES)):
        if token.kind == "word" and token.closed and not token.negated and token.text not in ("AND", "OR"):
            words.append(Word(token.text))
    return words


def _said(node: Node, *, quoted: bool) -> str:
    """What a node says to meaning: of what must not hold, nothing. quoted: a phrase must be there."""
    if isinstance(node, Word):
        return node.text
    if isinstance(node, Phrase):
        return f'"{node.text}"' if quoted else node.text
    if isinstance(node, All | Any):
        said = filter(None, (_said(part, quoted=False) for part in node.parts))
        return (" or " if isinstance(node, Any) else " ").join(said)
    return ""
