"""Asks the questions of a set as a person would, by words alone, by vectors alone and by both, and keeps the ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from searchsite.library import pictures
from searchsite.library.models import QueryPicture
from searchsite.quality.filling import Filled
from searchsite.quality.scoring import DEEPEST, Rank
from searchsite.quality.sets import Asking
from searchsite.search.find import find
from searchsite.search.questions import MOST_CHARS, Filters, Question, Term

MODES: Mapping[str, str] = {"words": "words", "vectors": "meaning", "fused": "hybrid"}
"""What a column is called, and the mode of search that it measures."""


@dataclass(frozen=True)
class Answered:
    """One question with the rank of its best answer in each column, and how long the fused search took."""

    asking: Asking
    ranks: Mapping[str, Rank]
    milliseconds: float
    notes: tuple[str, ...] = field(default=(), compare=False)


def measure(questions: Iterable[Asking], filled: Filled, modes: Sequence[str] = tuple(MODES)) -> Iterator[Answered]:
    """Ask each question whose answers are in the library. A picture has no words to ask by."""
    for asking in questions:
        relevant = {filled.items[one].public_id for one in asking.relevant if one in filled.items}
        if relevant and (not asking.document or asking.document in filled.items):
            yield _ask(asking, relevant, filled, modes)


def _ask(asking: Asking, relevant: set[UUID], filled: Filled, modes: Sequence[str]) -> Answered:
    term = _term(asking, filled)
    filters = Filters(collections=(filled.shelves[asking.shelf].public_id,))
    ranks: dict[str, Rank] = {}
    taken = 0.0
    notes: tuple[str, ...] = ()
    for column in modes:
        question = Question((term,), filters, mode=MODES[column], limit=DEEPEST, rerank=False)
        results = find(question, filled.scope)
        found = (at for at, hit in enumerate(results.hits, start=1) if hit.item.id in relevant)
        ranks[column] = next(found, None)
        if column == "fused":
            taken, notes = results.took_ms, results.notes
    return Answered(asking, ranks, taken, notes)


def _term(asking: Asking, filled: Filled) -> Term:
    if asking.picture is not None:
        return Term(picture=_query_picture(asking, filled).public_id)
    if asking.document:
        return Term(item=filled.items[asking.document].public_id)
    return Term(text=asking.text[:MOST_CHARS])


def _query_picture(asking: Asking, filled: Filled) -> QueryPicture:
    assert asking.picture is not None
    with asking.picture.open("rb") as file:
        return pictures.add_query_picture(file, scope=filled.scope)
