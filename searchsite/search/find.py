"""One page of what a question finds, or of what is there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext

from searchsite.indexing import spaces
from searchsite.indexing.models import Space
from searchsite.library.scope import Scope
from searchsite.search import asking, browse, cards, folding, paging
from searchsite.search.bounds import Bounds, bounds_for
from searchsite.search.cards import Card, MatchedPart
from searchsite.search.fuse import Fused, Why
from searchsite.search.pace import Budget
from searchsite.search.questions import Question, checked
from searchsite.search.seeking import Search, limited


@dataclass(frozen=True)
class Hit:
    """One found item. `band` is strong, likely or weak where that can be told. parts: ids of all that matched."""

    item: Card
    score: float
    band: str | None
    part: MatchedPart | None
    why: tuple[Why, ...]
    parts: tuple[int, ...] = ()
    copies: tuple[UUID, ...] = ()
    """Other hits that show the same picture, by public ids; folded behind this one where that was asked for."""


@dataclass(frozen=True)
class Results:
    """One page of hits. `notes` are sentences in the language of who asks; `standing`, those that always hold of the
    embedder. `weak`: how many hits are weak, those that were left out with them. budget: what time is left for
    what else the page asks of the database.
    """

    hits: tuple[Hit, ...]
    next_cursor: str | None
    total_estimate: int
    took_ms: float
    space: str
    notes: tuple[str, ...]
    budget: Budget = field(compare=False, repr=False)
    standing: tuple[str, ...] = ()
    weak: int = 0


@dataclass(frozen=True)
class _Shown:
    """What stands on one page, before it is loaded. moment: up to when the pages after it look."""

    page: Sequence[Fused] = ()
    total: int = 0
    more: bool = False
    weak: int = 0
    reranked: bool = False
    moment: datetime = field(default_factory=timezone.now)
    quoted: Mapping[int, int | None] = field(default_factory=dict)
    copies: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def cursor(self, question: Question, place: paging.Place | None) -> str | None:
        """Where the next page begins; None after the last one."""
        if not self.more:
            return None
        last = self.page[-1]
        offset = (place.offset if place else 0) + len(self.page)
        return paging.encode(paging.Place(offset, last.item_id, self.moment, last.created_at, self.reranked), question)


def find(question: Question, scope: Scope, *, space: Space | None = None, budget: Budget | None = None) -> Results:
    """Answer a question within a scope. Raises BadQuestion, or NotFound for what is not there for this person.

    space: search in this one, whichever answers otherwise. budget: the time that it has.
    """
    start = time.perf_counter()
    question = checked(question)
    place = paging.decode(question)
    budget = budget or Budget()
    bounds = bounds_for(question, scope, budget)
    space = space or spaces.active()
    standing = tuple(map(gettext, space.notes)) if space is not None else ()
    notes = [*standing, *question.mistakes]
    shown = _Shown()
    if bounds is None:
        # What is not there for this person is said, even where nothing can be found.
        asking.resolve(question.terms, scope)
    elif question.seeks:
        # A page is of the hits there were at first: what is put in meanwhile moves none.
        bounds = replace(bounds, until=place.moment if place else None)
        shown = _sought(Search(question, scope, bounds, space, budget, notes), place)
    else:
        shown = _browsed(question, bounds, place, budget, notes)
    hits = tuple(
        replace(hit, copies=shown.copies.get(hit.item.id, ())) for hit in _hits(shown.page, scope, shown.quoted)
    )
    took = round((time.perf_counter() - start) * 1000, 1)
    said = tuple(dict.fromkeys(notes))
    embedder = space.embedder if space else ""
    cursor = shown.cursor(question, place)
    return Results(hits, cursor, shown.total, took, embedder, said, budget, standing, shown.weak)


def _browsed(
    question: Question, bounds: Bounds, place: paging.Place | None, budget: Budget, notes: list[str]
) -> _Shown:
    """What is there, by date. Where counting it all takes too long, there are at least those that are shown."""
    page: list[Fused] = []
    more = False
    with limited(notes):
        budget.apply()
        page, more = browse.page(question, bounds, place)
    total = (place.offset if place else 0) + len(page)
    with limited(notes):
        budget.apply()
        total = browse.total(bounds)
    return _Shown(page, total, more)


def _sought(search: Search, place: paging.Place | None) -> _Shown:
    question = search.question
    found = search.found(place)
    everything, copies = folding.fold(found, search.scope, search.space, drop=bool(question.fold))
    first = _after(everything, place)
    last = first + question.limit
    return _Shown(
        everything[first:last],
        len(found),
        last < len(everything),
        search.weak,
        search.reranked,
        # Those left out say how rare words are, too.
        place.moment if place else search.newest or timezone.now(),
        search.quoted,
        copies,
    )


def _after(found: Sequence[Fused], place: paging.Place | None) -> int:
    """Where the next page begins: after the last hit shown, or where it would be when that one is gone."""
    if place is None:
        return 0
    return next((at for at, one in enumerate(found, start=1) if one.item_id == place.item), place.offset)


def _hits(page: Sequence[Fused], scope: Scope, quoted: Mapping[int, int | None]) -> tuple[Hit, ...]:
    """What is shown of a page: of each item its best part, which is the one that has what was quoted."""
    loaded = cards.load([(one.item_id, quoted.get(one.item_id) or one.part_id) for one in page], scope)
    return tuple(
        Hit(loaded[at][0], one.score, one.band, loaded[at][1], one.why, one.part_ids)
        for at, one in enumerate(page)
        if at in loaded
    )
