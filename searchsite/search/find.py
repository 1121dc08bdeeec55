"""The way of a question: its vector, the nearest in each channel, the words, one fused list, one page of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from psycopg.errors import QueryCanceled

from searchsite.accounts import meter
from searchsite.indexing import instructions, spaces, trouble
from searchsite.indexing.models import Space
from searchsite.inference.errors import InferenceError, OutOfBudget, Overloaded, TooSlow, Unauthorised, Unreachable
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel
from searchsite.library.scope import Scope
from searchsite.search import asking, browse, cards, paging, reranking, vectors, words
from searchsite.search.bounds import Bounds, bounds_for
from searchsite.search.cards import Card, MatchedPart
from searchsite.search.fuse import Fused, Why, fuse
from searchsite.search.questions import Question, checked
from searchsite.search.vectors import Near

log = structlog.get_logger()
STEP_SECONDS = 5
WORDS = "words"
# To a picture, other pictures say more than what is written about them.
TEXT_FOR_PICTURES = 0.5
AWAY = gettext_noop("The inference server can't be reached: found by words alone.")
ANOTHER = gettext_noop("Another embedder answers than the one that the library is indexed with: found by words alone.")
BY_WORDS = gettext_noop("Found by words alone.")
REASONS: Sequence[tuple[type[InferenceError], str]] = (
    (spaces.WrongEmbedder, ANOTHER),
    (
        Unauthorised,
        gettext_noop("The embedder's provider refuses the key, or it is not paid for: found by words alone."),
    ),
    (Overloaded, gettext_noop("The embedder is overloaded: found by words alone.")),
    (Unreachable, AWAY),
    (TooSlow, gettext_noop("The embedder took too long: found by words alone.")),
)
FAILED = gettext_noop("The embedder failed: found by words alone.")
NOT_YET = gettext_noop("Nothing has been embedded yet: found by words alone.")
WORDS_ONLY = gettext_noop(
    "The embedder takes texts only, so this library knows pictures by their words: it can't be searched by a picture."
)
NO_INSTRUCTIONS = gettext_noop("The embedder takes no instructions: yours was left out.")
ITEM_NOT_YET = gettext_noop("The item to be alike to has not been embedded yet.")
TOO_SLOW = gettext_noop("A part of the search took too long and was left out.")


@dataclass(frozen=True)
class Hit:
    """One found item. `band` is strong, likely or weak where the space can tell. parts: ids of all that matched."""

    item: Card
    score: float
    band: str | None
    part: MatchedPart | None
    why: tuple[Why, ...]
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Results:
    """One page of hits. `notes` are sentences in the language of who asks; `standing`, those that always hold of the
    embedder.
    """

    hits: tuple[Hit, ...]
    next_cursor: str | None
    total_estimate: int
    took_ms: float
    space: str
    notes: tuple[str, ...]
    standing: tuple[str, ...] = ()


@dataclass
class Search:
    """One question on its way. Its notes are for people, in their language. quoted: where the texts in quotes stand,
    as the part of each item that has them.
    """

    question: Question
    scope: Scope
    bounds: Bounds
    space: Space | None
    notes: list[str] = field(default_factory=list)
    reranked: bool = False
    quoted: dict[int, int | None] = field(default_factory=dict)

    def found(self, place: paging.Place | None) -> list[Fused]:
        """All that is found, in the order asked for."""
        terms = asking.resolve(self.question.terms, self.scope)
        found = self._fused(terms)
        self.reranked = reranking.wanted(self.question, place)
        if not self.reranked or (place is not None and place.offset >= reranking.DEPTH):
            return found
        try:
            return self._reordered(found, terms)
        except InferenceError as error:
            # A first page that was not reordered has no later pages that are.
            self.reranked = place is not None
            self.notes.append(reranking.note_on(error))
            return found

    def _fused(self, terms: Sequence[asking.Resolved]) -> list[Fused]:
        question = self.question
        own = tuple(term.item.pk for term in terms if term.item)
        self.bounds = replace(self.bounds, without=(*self.bounds.without, *own))
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
        return _ordered(self._fuse(channels), question.sort)

    def _reordered(self, found: list[Fused], terms: Sequence[asking.Resolved]) -> list[Fused]:
        if not reranking.is_configured():
            self.reranked = False
            self.notes += [gettext(reranking.NOT_CONFIGURED)] * bool(self.question.rerank)
            return found
        return reranking.reordered(found, self.question, terms=terms, scope=self.scope)

    def _vector(self, terms: Sequence[asking.Resolved]) -> Vectors | None:
        if self.space is None:
            shut = trouble.of_embedder()
            self.notes += [_why(shut)] if shut is not None else [gettext(NOT_YET)]
            return None
        seen = asking.seeable(terms, self.space)
        if len(seen) < len(terms):
            self.notes.append(gettext(WORDS_ONLY))
        if self.question.instruction and not instructions.are_taken(self.space):
            self.notes.append(gettext(NO_INSTRUCTIONS))
        if not seen:
            return None
        try:
            with meter.paying([self.scope.team_id]):
                vector = asking.vector_of(seen, self.space, self.question)
        except InferenceError as error:
            log.warning("searching by words alone", error=error.message)
            self.notes.append(_why(error))
            return None
        if vector is None:
            self.notes.append(gettext(ITEM_NOT_YET))
        return vector

    def _literal(self, phrases: Sequence[str], whole: Bounds) -> list[Near]:
        """What has the texts in quotes; nothing else is looked at afterwards."""
        found = words.containing(phrases, whole)
        self.quoted = {near.item_id: near.part_id for near in reversed(found)}
        self.bounds = whole.narrowed(only=self.quoted)
        return found

    def _near(self, space: Space, vector: Vectors, channels: dict[str, list[Near]]) -> None:
        """The nearest of each channel."""
        for channel in Channel.values:
            channels[channel] = vectors.nearest(space, channel, vector, self.bounds)

    def _words(self, exact: list[Near], channels: dict[str, list[Near]]) -> None:
        """What has the words, before what has the quotes alone."""
        channels[WORDS] = exact
        loose = words.matching(self.question.words.replace('"', " "), self.bounds)
        channels[WORDS] = words.settled([*loose, *exact])

    def _fuse(self, channels: dict[str, list[Near]]) -> list[Fused]:
        shown = not self.question.words and not any(term.text and term.weight < 0 for term in self.question.terms)
        return fuse(channels, weights={Channel.TEXT: TEXT_FOR_PICTURES} if shown else {})

    def _run(self, steps: list[Callable[[], None]]) -> None:
        """Run the steps in one transaction; one that takes too long is left out, and the page says so."""
        while steps:
            with _limited(self.notes):
                while steps:
                    steps.pop(0)()


def find(question: Question, scope: Scope) -> Results:
    """Answer a question within a scope. Raises BadQuestion, or NotFound for what is not there for this person."""
    start = time.perf_counter()
    question = checked(question)
    place = paging.decode(question)
    bounds = bounds_for(question, scope)
    space = spaces.active()
    standing = tuple(map(gettext, space.notes)) if space is not None else ()
    notes = [*standing, *question.mistakes]
    page: list[Fused] = []
    quoted: Mapping[int, int | None] = {}
    more, reranked, total, moment = False, False, 0, timezone.now()
    if bounds is not None:
        if question.seeks:
            # A page is of the hits there were at first: what is put in meanwhile moves none.
            bounds = replace(bounds, until=place.moment if place else None)
            search = Search(question, scope, bounds, space, notes)
            everything = search.found(place)
            reranked, quoted = search.reranked, search.quoted
            moment = place.moment if place else max((one.created_at for one in everything), default=moment)
            first = _after(everything, place)
            page, total = everything[first : first + question.limit], len(everything)
            more = first + question.limit < total
        else:
            with _limited(notes):
                page, more, total = browse.page(question, bounds, place)
    elif question.terms:
        asking.resolve(question.terms, scope)
    cursor = None
    if more:
        offset = (place.offset if place else 0) + len(page)
        ended = paging.Place(offset, page[-1].item_id, moment, page[-1].created_at, reranked)
        cursor = paging.encode(ended, question)
    hits = _hits(page, scope, space, quoted)
    took = round((time.perf_counter() - start) * 1000, 1)
    return Results(hits, cursor, total, took, space.embedder if space else "", tuple(dict.fromkeys(notes)), standing)


@contextmanager
def _limited(notes: list[str]) -> Iterator[None]:
    """A transaction whose statements may each take a few seconds. One that takes longer ends it, and is noted."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STEP_SECONDS}s'")
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        notes.append(gettext(TOO_SLOW))


def _why(error: InferenceError) -> str:
    """Why there is no vector, for the person who asked."""
    if isinstance(error, OutOfBudget):
        return " ".join([error.message, gettext(BY_WORDS)])
    return gettext(next((said for kind, said in REASONS if isinstance(error, kind)), FAILED))


def _ordered(found: list[Fused], sort: str) -> list[Fused]:
    if sort == "relevance":
        return found
    return sorted(found, key=lambda one: (one.created_at, one.item_id), reverse=sort == "newest")


def _after(found: Sequence[Fused], place: paging.Place | None) -> int:
    """Where the next page begins: after the last hit shown, or where it would be when that one is gone."""
    if place is None:
        return 0
    return next((at for at, one in enumerate(found, start=1) if one.item_id == place.item), place.offset)


def _hits(
    page: Sequence[Fused], scope: Scope, space: Space | None, quoted: Mapping[int, int | None]
) -> tuple[Hit, ...]:
    """What is shown of a page: of each item its best part, which is the one that has what was quoted."""
    loaded = cards.load([(one.item_id, quoted.get(one.item_id) or one.part_id) for one in page], scope)
    return tuple(
        Hit(loaded[at][0], one.score, _band(one, space), loaded[at][1], one.why, one.part_ids)
        for at, one in enumerate(page)
        if at in loaded
    )


def _band(one: Fused, space: Space | None) -> str | None:
    """The best band that any channel's similarity reaches, where the space is calibrated."""
    calibration = space.calibration if space is not None else {}
    able = {channel: levels for channel, levels in calibration.items() if "likely" in levels}
    near = [(able[why.channel], why.similarity) for why in one.why if why.channel in able]
    for band in ("strong", "likely"):
        if any(similarity is not None and similarity >= levels.get(band, 2.0) for levels, similarity in near):
            return band
    return "weak" if near else None
