"""Asks the questions of a set as a person would, by words alone, by vectors alone and by both, and keeps the ranks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext

from searchsite.library import pictures
from searchsite.library.models import QueryPicture
from searchsite.quality.filling import Filled
from searchsite.quality.scoring import DEEPEST, Rank
from searchsite.quality.sets import Asking
from searchsite.search import find, notices
from searchsite.search.find import Results
from searchsite.search.questions import MOST_CHARS, Filters, Question, Term

MODES: Mapping[str, str] = {"words": "words", "vectors": "meaning", "fused": "hybrid"}
"""What a column is called, and the mode of search that it measures."""


HARMLESS = (notices.WORDS_ONLY, notices.NO_INSTRUCTIONS)
"""Notes on what holds of an embedder whenever it is asked."""
PATIENCE = (1.0, 5.0, 20.0, 60.0, 120.0)
"""Seconds to wait before a question is asked again that was answered by less than it should be."""


class Unanswered(Exception):
    """Search left a part out, so that its figures would be of something else. `str()` is search's own sentence."""


@dataclass(frozen=True)
class Answered:
    """One question with the rank of its best answer in each column, and how long the fused search took."""

    asking: Asking
    ranks: Mapping[str, Rank]
    milliseconds: float
    notes: tuple[str, ...] = field(default=(), compare=False)
    band: str | None = None
    """Of the best answer among the first ten of the fused list."""


def measure(
    questions: Iterable[Asking],
    filled: Filled,
    *,
    modes: Sequence[str] = tuple(MODES),
    patience: Sequence[float] = PATIENCE,
) -> Iterator[Answered]:
    """Ask each question whose answers are in the library. A picture has no words to ask by. Raises Unanswered."""
    for asking in questions:
        relevant = {filled.items[one].public_id for one in asking.relevant if one in filled.items}
        if relevant and (not asking.document or asking.document in filled.items):
            asked = _Asked(asking, frozenset(relevant), filled, patience)
            yield asked.answered(modes)


@dataclass(frozen=True)
class _Asked:
    """One question on its way."""

    asking: Asking
    relevant: frozenset[UUID]
    filled: Filled
    patience: Sequence[float]

    def answered(self, modes: Sequence[str]) -> Answered:
        term = _term(self.asking, self.filled)
        filters = Filters(collections=(self.filled.shelves[self.asking.shelf].public_id,))
        ranks: dict[str, Rank] = {}
        taken = 0.0
        notes: tuple[str, ...] = ()
        band: str | None = None
        for column in modes:
            results = self._whole(Question((term,), filters, mode=MODES[column], limit=DEEPEST, rerank=False))
            found = (at for at, hit in enumerate(results.hits, start=1) if hit.item.id in self.relevant)
            ranks[column] = next(found, None)
            if column == "fused":
                taken, notes = results.took_ms, results.notes
                band = next((hit.band for hit in results.hits if hit.item.id in self.relevant), None)
        return Answered(self.asking, ranks, taken, notes, band)

    def _whole(self, question: Question) -> Results:
        """Ask until nothing is left out."""
        for seconds in (*self.patience, None):
            results = find.find(question, self.filled.scope)
            wrong = left_out(question, results)
            if not wrong:
                break
            if seconds is None:
                raise Unanswered(wrong)
            time.sleep(seconds)
        return results


def left_out(question: Question, results: Results) -> str:
    """Why these are not all that the question would find, as a sentence for people; empty where they are."""
    known = {*results.standing, *question.mistakes, *map(gettext, HARMLESS)}
    return next((note for note in results.notes if note not in known), "")


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
