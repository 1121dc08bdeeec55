"""The way of a question: its vector, the nearest in each channel, the words, one fused list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_

import structlog
from django.db import OperationalError, transaction
from django.utils.translation import gettext
from psycopg.errors import QueryCanceled

from searchsite.accounts import meter
from searchsite.indexing import instructions, trouble
from searchsite.indexing.models import Space
from searchsite.inference.errors import InferenceError
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel
from searchsite.library.scope import Scope
from searchsite.search import asking, bands, notices, paging, reranking, vectors, words
from searchsite.search.bounds import Bounds
from searchsite.search.fuse import Fused, fuse
from searchsite.search.grammar import Phrase
from searchsite.search.lookups import Lookups
from searchsite.search.pace import Budget
from searchsite.search.questions import Question
from searchsite.search.vectors import Near
from searchsite.search.wrong import BadQuestion

log = structlog.get_logger()
WORDS = "words"
# To a picture, other pictures say more than what is written about them.
TEXT_FOR_PICTURES = 0.5


@dataclass
class Search:
    """One question on its way. Its notes are for people, in their language. quoted: where the texts in quotes stand,
    as the part of each item that has them.
    """

    question: Question
    scope: Scope
    bounds: Bounds
    space: Space | None
    budget: Budget
    notes: list[str] = field(default_factory=list)
    reranked: bool = False
    quoted: dict[int, int | None] = field(default_factory=dict)
    weak: int = 0
    """How many of what was found are weak, once it is."""
    newest: datetime | None = None
    """When the last of it came, weak or not."""

    @property
    def cut(self) -> bool:
        """Whether a part of the search was left out, as it took too long."""
        return notices.is_cut(self.notes)

    def found(self, place: paging.Place | None) -> list[Fused]:
        """All that is found, in the order asked for."""
        terms = asking.resolve(self.question.terms, self.scope)
        found = self._arranged(terms)
        self.reranked = reranking.wanted(self.question, place)
        if not self.reranked or (place is not None and place.offset > reranking.DEPTH):
            return found
        try:
            return bands.arranged(self._reordered(found, terms), self.question.weak, by_rank=True)
        except InferenceError as error:
            # A first page that was not reordered has no later pages that are.
            self.reranked = place is not None
            self.notes.append(reranking.note_on(error))
            return found

    def _arranged(self, terms: Sequence[asking.Resolved]) -> list[Fused]:
        """What was found, rated, with the weak hits where the question wants them."""
        fused, vector = self._fused(terms)
        levels = {}
        if vector is not None and self.space is not None:
            pictured, short = asking.is_pictured(terms), asking.is_short(terms)
            levels = bands.levels_for(self.space, vector, pictured=pictured, short=short)
        rated = bands.rated(fused, levels, self.quoted)
        self.newest = max((one.created_at for one in fused), default=None)
        self.weak = sum(one.band == "weak" for one in rated)
        sort = self.question.sort
        return _ordered(bands.arranged(rated, self.question.weak, by_rank=sort == "relevance"), sort)

    def _fused(self, terms: Sequence[asking.Resolved]) -> tuple[list[Fused], Vectors | None]:
        question = self.question
        own = tuple(term.item.pk for term in terms if term.item)
        self.bounds = self.bounds.lacking(own)
        vector = self._vector(terms) if question.mode != "words" else None
        channels: dict[str, list[Near]] = {}
        phrases = words.phrases_in(question.words)
        steps: list[Callable[[], None]] = []
        exact: list[Near] = []
        if phrases:
            whole, self.bounds = self.bounds, self.bounds.narrowed(only=())
            steps.append(lambda: exact.extend(self._literal(phrases, whole)))
        if vector is not None and self.space is not None:
            space, near = self.space, vector
            steps.append(lambda: self._near(space, near, channels))
        if question.mode != "meaning" or phrases:
            steps.append(lambda: self._words(exact, channels))
        self._run(steps)
        return self._fuse(channels), vector

    def _reordered(self, found: list[Fused], terms: Sequence[asking.Resolved]) -> list[Fused]:
        if not reranking.is_configured():
            self.reranked = False
            self.notes += [gettext(reranking.NOT_CONFIGURED)] * bool(self.question.rerank)
            return found
        with self.budget.paused():
            return reranking.reordered(found, self.question, terms=terms, scope=self.scope)

    def _vector(self, terms: Sequence[asking.Resolved]) -> Vectors | None:
        if self.space is None:
            shut = trouble.of_embedder()
            self.notes += [notices.why(shut)] if shut is not None else [gettext(notices.NOT_YET)]
            return None
        seen = asking.seeable(terms, self.space)
        if len(seen) < len(terms):
            self.notes.append(gettext(notices.WORDS_ONLY))
        if self.question.instruction and not instructions.are_taken(self.space):
            self.notes.append(gettext(notices.NO_INSTRUCTIONS))
        if not seen:
            return None
        self.notes += [gettext(notices.ONLY_AWAY)] * all(term.weight < 0 for term in seen)
        try:
            with self.budget.paused(), meter.paying([self.scope.team_id]):
                vector = asking.vector_of(seen, self.space, self.question)
        except InferenceError as error:
            log.warning("searching by words alone", error=error.message)
            self.notes.append(notices.why(error))
            return None
        if vector is None:
            self.notes.append(gettext(notices.ITEM_NOT_YET))
        return vector

    def _literal(self, phrases: Sequence[str], whole: Bounds) -> list[Near]:
        """What has the texts in quotes; nothing else is looked at afterwards."""
        literal = words.containing(phrases, whole, before=self.budget.apply)
        having = literal.sure if literal.every else self._having(phrases, literal.sure)
        self.bounds = whole.narrowed(only=having)
        found = [near for near in literal.found if near.item_id in having]
        self.quoted = dict.fromkeys(having) | {near.item_id: near.part_id for near in reversed(found)}
        return found

    def _having(self, phrases: Sequence[str], sure: set[int]) -> set[int]:
        """The items with texts so common that not all of them are ranked. Of all teams: the bounds hold as well.

        sure: those that are known to have each; there are no others where it takes too long to look.
        """
        lookups = Lookups(self.scope.team_id, self.budget)
        try:
            with lookups.limited():
                return set(reduce(and_, (lookups.having(Phrase(phrase)) for phrase in phrases)).ids.tolist())
        except BadQuestion:
            self.notes.append(gettext(notices.TOO_SLOW))
            return sure

    def _near(self, space: Space, vector: Vectors, channels: dict[str, list[Near]]) -> None:
        """The nearest of each channel."""
        for channel in Channel.values:
            channels[channel] = vectors.nearest(space, channel, vector, self.bounds, before=self.budget.apply)

    def _words(self, exact: list[Near], channels: dict[str, list[Near]]) -> None:
        """What has the words, before what has the quotes alone."""
        loose: list[Near] = []
        try:
            asked = self.question.words.replace('"', " ")
            for found in words.attempts(asked, self.bounds, before=self.budget.apply):
                loose += found
        finally:
            channels[WORDS] = words.settled([*loose, *exact])

    def _fuse(self, channels: dict[str, list[Near]]) -> list[Fused]:
        shown = not self.question.words and not any(term.text and term.weight < 0 for term in self.question.terms)
        return fuse(channels, weights={Channel.TEXT: TEXT_FOR_PICTURES} if shown else {})

    def _run(self, steps: list[Callable[[], None]]) -> None:
        """Run the steps in one transaction; one that takes too long is left out, and the page says so."""
        while steps:
            with limited(self.notes):
                while steps:
                    steps.pop(0)()


@contextmanager
def limited(notes: list[str]) -> Iterator[None]:
    """A transaction that a statement ends which takes too long; this is noted."""
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        notes.append(gettext(notices.TOO_SLOW))


def _ordered(found: list[Fused], sort: str) -> list[Fused]:
    if sort == "relevance":
        return found
    return sorted(found, key=lambda one: (one.created_at, one.item_id), reverse=sort == "newest")
