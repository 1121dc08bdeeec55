"""What the words of a question say: quotes, `-word`, `field:value`, parentheses and OR. Reading takes linear time.

Words are looked for by meaning and by themselves; the rest is a condition that each hit meets. OR joins its two
neighbours, as people know it from search engines: `red cat OR dog` is `red (cat OR dog)`. A group of words joined by OR
is no condition, as meaning has no hard edge, unless something else stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite.search import fields
from searchsite.search.tokens import QUOTES, Token, tokens
from searchsite.search.wrong import BadQuestion

MOST_DEPTH, MOST_CONDITIONS, MOST_PHRASES = 20, 24, 8
UNQUOTED = gettext_noop("A quotation mark has no partner: it was read as if it were not there.")
UNCLOSED = gettext_noop("A bracket is not closed: it was read as if it closed at the end.")
ONE_SIDED = gettext_noop(
    "OR stands between two things, and one of them is missing: it was read as if it were not there."
)


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


@dataclass(frozen=True)
class Reading:
    """words: what to look for by meaning and by words, with each phrase that must be there in quotes. conditions: what
    each hit must meet besides, of so many words, texts and fields (size). notes: what was read in another way than it
    was written, to be translated. phrases: how many there are.
    """

    words: str
    conditions: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()
    size: int = field(default=0, compare=False)
    phrases: int = field(default=0, compare=False)


@lru_cache(maxsize=512)
def read(text: str) -> Reading:
    """Read the words of a question. Raises BadQuestion where a field's value can't be understood, or it is too deep."""
    text = text.translate(QUOTES)
    reader = _Reader()
    for token in tokens(text):
        reader.take(token)
    top = reader.ended()
    if reader.plain and '"' not in text:
        # A text without any grammar is embedded as it was written.
        return Reading(text)
    conditions = tuple(node for node in top if not _is_soft(node) and not isinstance(node, Phrase))
    said = " ".join(filter(None, (_said(node, quoted=True) for node in top)))
    phrases = sum(isinstance(node, Phrase) for node in top)
    return Reading(said, conditions, tuple(reader.notes), sum(len(list(leaves(node))) for node in conditions), phrases)


class _Frame:
    """One open group."""

    def __init__(self, *, negated: bool = False) -> None:
        self.negated = negated
        self.choices: list[list[Node]] = []
        self.joins = False

    def add(self, node: Node) -> None:
        if self.joins:
            self.choices[-1].append(node)
        else:
            self.choices.append([node])
        self.joins = False

    def parts(self) -> tuple[Node, ...]:
        return tuple(own[0] if len(own) == 1 else Any(tuple(own)) for own in self.choices)

    def node(self) -> Node | None:
        parts = self.parts()
        if not parts:
            return None
        inside = parts[0] if len(parts) == 1 else All(parts)
        return _negated(inside) if self.negated else inside


class _Reader:
    """Builds the tree with a stack of its own, so that no text is too deep for Python's."""

    def __init__(self) -> None:
        self.open = [_Frame()]
        self.notes: list[str] = []
        self.plain = True

    def take(self, token: Token) -> None:
        frame = self.open[-1]
        self.plain = self.plain and token.kind == "word" and token.closed and not token.negated
        if not token.closed:
            self.notes.append(UNQUOTED)
        elif token.kind == "(":
            if len(self.open) > MOST_DEPTH:
                raise BadQuestion(_("Brackets lie at most %(most)d deep.") % {"most": MOST_DEPTH})
            self.open.append(_Frame(negated=token.negated))
        elif token.kind == ")":
            self._close()
        elif token.kind == "or":
            if frame.choices and not frame.joins:
                frame.joins = True
            else:
                self.notes.append(ONE_SIDED)
        elif not (token.text == "AND" and token.kind == "word" and frame.choices):
            node = _leaf(token)
            frame.add(_negated(node) if token.negated else node)

    def _close(self) -> None:
        closed = self.open.pop()
        self._joined(closed)
        if (node := closed.node()) is not None:
            self.open[-1].add(node)

    def ended(self) -> list[Node]:
        """What stands side by side in the question."""
        if len(self.open) > 1:
            self.notes.append(UNCLOSED)
        while len(self.open) > 1:
            self._close()
        self._joined(self.open[0])
        self.notes = list(dict.fromkeys(self.notes))
        return list(_flat(self.open[0].parts()))

    def _joined(self, frame: _Frame) -> None:
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


def _flat(nodes: Iterable[Node]) -> Iterator[Node]:
    """Groups without OR say the same without their brackets."""
    for node in nodes:
        if isinstance(node, All):
            yield from _flat(node.parts)
        else:
            yield node


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
