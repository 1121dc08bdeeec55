"""What lies around an item in a list: those before and after it, as a search or a browse shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import LiteralString

from django.core.cache import caches
from django.db import connection

from searchsite.indexing import spaces
from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search import browse, cards
from searchsite.search.bounds import ITEM, Bounds, bounds_for
from searchsite.search.cards import Card
from searchsite.search.fuse import Why, background
from searchsite.search.pace import Budget
from searchsite.search.paging import Place
from searchsite.search.questions import Question, checked, to_query
from searchsite.search.seeking import Search

REACH = 8
# The list is that of the search one came from, and stepping through it asks no network again.
KEPT_SECONDS = 1800
KEPT_EACH = 5
Listed = tuple[int, tuple[Why, ...]]
"""An item, and the channels that found it."""
IS_WITHIN: LiteralString = "SELECT FROM item WHERE <bounds>"
EARLIER: LiteralString = """
SELECT count(*) FROM (
    SELECT FROM item WHERE <bounds> AND (item.created_at, item.id) <is> (%(day)s, %(item)s) LIMIT %(most)s
) AS counted
"""


@dataclass(frozen=True)
class Beside:
    """Cards before and after the item, in the list's order. `place` counts from 1; None: it is not in the list."""

    before: tuple[Card, ...] = ()
    after: tuple[Card, ...] = ()
    place: int | None = None
    total: int = 0


@dataclass(frozen=True)
class Standing:
    """The channels that found an item; and how alike, in each, what has nothing to do with the question is."""

    why: tuple[Why, ...] = ()
    levels: Mapping[str, float] = field(default_factory=dict)


def beside(item: Item, question: Question, scope: Scope) -> Beside:
    """Return what lies around the item. Raises BadQuestion, or NotFound for what is not there for this person."""
    asked = replace(checked(question), cursor=None, limit=REACH)
    budget = Budget()
    bounds = bounds_for(asked, scope, budget)
    if bounds is None:
        return Beside()
    if asked.seeks:
        return _in_search(item, Search(asked, scope, bounds, spaces.active(), budget))
    return _in_browse(item, asked, scope, bounds)


def _in_browse(item: Item, question: Question, scope: Scope, bounds: Bounds) -> Beside:
    if not _is_within(item, bounds):
        return Beside()
    place = Place(0, item.pk, item.created_at, item.created_at)
    oldest = question.sort == "oldest"
    later, _more = browse.page(question, bounds, place)
    earlier, _more = browse.page(replace(question, sort="newest" if oldest else "oldest"), bounds, place)
    before, after = [one.item_id for one in reversed(earlier)], [one.item_id for one in later]
    return _shown(before, after, scope, place=_earlier(item, bounds, oldest=oldest) + 1, total=browse.total(bounds))


def _is_within(item: Item, bounds: Bounds) -> bool:
    only = bounds.narrowed(only=[item.pk])
    with connection.cursor() as cursor:
        cursor.execute(IS_WITHIN.replace("<bounds>", only.conditions(ITEM)), only.values)
        return bool(cursor.rowcount)


def _earlier(item: Item, bounds: Bounds, *, oldest: bool) -> int:
    statement = EARLIER.replace("<bounds>", bounds.conditions(ITEM)).replace("<is>", "<" if oldest else ">")
    values = bounds.values | {"day": item.created_at, "item": item.pk, "most": browse.MOST_COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])


def why(item: Item, question: Question, scope: Scope) -> Standing:
    """Return what found the item; nothing where it is no hit, or nothing is ranked.

    Raises BadQuestion, or NotFound for what is not there for this person.
    """
    asked = replace(checked(question), cursor=None, limit=REACH)
    budget = Budget()
    bounds = bounds_for(asked, scope, budget) if asked.seeks else None
    if bounds is None:
        return Standing()
    found = _listed(item, Search(asked, scope, bounds, spaces.active(), budget))
    known: dict[str, list[float]] = {}
    for one in (one for _pk, every in found for one in every if one.similarity is not None):
        known.setdefault(one.channel, []).append(one.similarity or 0.0)
    levels = {channel: background(similarities) for channel, similarities in known.items()}
    return Standing(dict(found).get(item.pk, ()), levels)


def _in_search(item: Item, search: Search) -> Beside:
    found = [pk for pk, _why in _listed(item, search)]
    if item.pk not in found:
        return Beside(total=len(found))
    at = found.index(item.pk)
    before, after = found[max(0, at - REACH) : at], found[at + 1 : at + 1 + REACH]
    return _shown(before, after, search.scope, place=at + 1, total=len(found))


def _listed(item: Item, search: Search) -> list[Listed]:
    """The list of the search: as it was kept, where the item is in it."""
    key, mark = _key(search.question, search.scope)
    kept: tuple[str, list[Listed]] | None = caches["lists"].get(key)
    found = kept[1] if kept is not None and kept[0] == mark else None
    if found is None or all(pk != item.pk for pk, _why in found):
        found = [(one.item_id, one.why) for one in search.found(None)]
        if not search.cut:
            caches["lists"].set(key, (mark, found), KEPT_SECONDS)
    return found


def _key(question: Question, scope: Scope) -> tuple[str, str]:
    """Where a person's list is kept, one of five places; and what tells it from others that take the same place."""
    asked = f"{scope.team_id}:{to_query(replace(question, limit=REACH, cursor=None))}"
    mark = hashlib.sha256(asked.encode()).hexdigest()
    return f"listed2:{scope.user_id}:{int(mark, 16) % KEPT_EACH}", mark


def _shown(before: Sequence[int], after: Sequence[int], scope: Scope, *, place: int, total: int) -> Beside:
    loaded = cards.load([(pk, None) for pk in (*before, *after)], scope)
    found = {at: card for at, (card, _part) in loaded.items()}
    earlier = tuple(found[at] for at in range(len(before)) if at in found)
    later = tuple(found[at] for at in range(len(before), len(before) + len(after)) if at in found)
    return Beside(earlier, later, place, max(total, place))
