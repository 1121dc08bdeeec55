"""Counts under a question: by kind, collection, tag, person and month, within the scope.

Each is counted without its own filter, so that it shows what else there is to choose; tags with it, as a hit must carry
all of those asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString

from django.db import connection
from django.utils import translation

from searchsite.indexing import settings
from searchsite.library.models import Collection, Kind
from searchsite.library.scope import Scope
from searchsite.search.bounds import ITEM, bounds_for, demanded
from searchsite.search.conditions import Met
from searchsite.search.every import gathered
from searchsite.search.pace import Budget
from searchsite.search.questions import Filters, Question, checked
from searchsite.search.seeking import limited

FACETS = ("kind", "collection", "tag", "by", "month")
# So many items are counted, the newest; where there are more, the counts say "at least".
MOST_COUNTED = 10_000
# An item has several tags, each of which is looked up.
MOST_TAGGED = 5_000
MOST_VALUES = 60
BASE: LiteralString = """
WITH base AS MATERIALIZED (
    SELECT item.id, item.kind, item.collection_id, item.created_by_id, item.created_at
    FROM item WHERE item.trashed_at IS NULL AND <where> ORDER BY item.created_at DESC, item.id DESC LIMIT %(most)s
)
"""
FOUND: LiteralString = "item.id = ANY(%(found)s::bigint[]) AND item.collection_id = ANY(%(scope)s::bigint[])"
SIZE: LiteralString = "(SELECT '', '', count(*) FROM base)"
COUNTS: Mapping[str, LiteralString] = {
    "kind": "(SELECT 'kind', kind, count(*) FROM base GROUP BY kind)",
    "collection": "(SELECT 'collection', collection_id::text, count(*) FROM base GROUP BY collection_id)",
    "tag": """(SELECT 'tag', tag.name::text, counted.n
        FROM (SELECT item_tag.tag_id, count(*) AS n FROM (SELECT id FROM base LIMIT %(tagged)s) AS newest
            JOIN item_tag ON item_tag.item_id = newest.id
            GROUP BY item_tag.tag_id ORDER BY n DESC LIMIT %(values)s) AS counted
        JOIN tag ON tag.id = counted.tag_id)""",
    "by": """(SELECT 'by', user_account.username, counted.n
        FROM (SELECT created_by_id, count(*) AS n FROM base GROUP BY created_by_id ORDER BY n DESC LIMIT %(values)s)
        AS counted JOIN user_account ON user_account.id = counted.created_by_id)""",
    "month": """(SELECT 'month', to_char(month, 'YYYY-MM'), n FROM (
        SELECT date_trunc('month', created_at AT TIME ZONE 'UTC') AS month, count(*) AS n FROM base GROUP BY 1
        ORDER BY 1 DESC LIMIT %(values)s) AS counted)""",
}


@dataclass(frozen=True)
class Value:
    """One value of a facet, as the address writes it, its stored name, and how many hits have it.

    `purpose` is a collection's: the names of those that the house makes itself can be said in the reader's language.
    """

    value: str
    label: str
    count: int
    purpose: str = ""


@dataclass(frozen=True)
class Facets:
    """The counts by facet. Where one is `capped`, more fit than were counted, or time ran out: it says "at least"."""

    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    capped: frozenset[str] = frozenset()


def facets(question: Question, scope: Scope, wanted: Iterable[str] = FACETS) -> Facets:
    """Count what the question finds. Raises BadQuestion, or NotFound for what is not there for this person."""
    question = replace(checked(question), cursor=None)
    together: dict[Filters, list[str]] = defaultdict(list)
    for facet in wanted:
        together[_freed(question.filters, facet)].append(facet)
    budget = Budget()
    needed = demanded(question, scope, budget) if scope.collection_ids else None
    counted: dict[str, dict[str, int]] = {}
    capped: set[str] = set()
    for at, (filters, names) in enumerate(together.items()):
        # Each search has its share of the time that is left.
        own = budget.share(len(together) - at)
        found = _counted(replace(question, filters=filters), scope, names, needed, own)
        counted |= found.counts
        capped.update(name for name in names if found.is_capped(name))
    return Facets({name: _values(name, counts, scope) for name, counts in counted.items()}, frozenset(capped))


@dataclass
class _Counted:
    """Counts by facet and value, of so many hits. whole: of all there are, as far as they were counted."""

    counts: dict[str, dict[str, int]]
    size: int = 0
    whole: bool = True

    def is_capped(self, facet: str) -> bool:
        return not self.whole or self.size >= (MOST_TAGGED if facet == "tag" else MOST_COUNTED)


def _freed(filters: Filters, facet: str) -> Filters:
    """The filters without the facet's own."""
    if facet == "kind":
        return replace(filters, kinds=())
    if facet == "collection":
        return replace(filters, collections=())
    if facet == "by":
        return replace(filters, by=None)
    return replace(filters, after=None, before=None) if facet == "month" else filters


def _counted(question: Question, scope: Scope, names: list[str], needed: Met | None, budget: Budget) -> _Counted:
    """The counts of these facets, in one statement: as many as may be where time runs out."""
    counted = _Counted({name: {} for name in names})
    where: LiteralString = FOUND
    values: dict[str, Any] = {"most": MOST_COUNTED, "tagged": MOST_TAGGED, "values": MOST_VALUES}
    if question.seeks:
        found = gathered(question, scope, budget, needed=needed)
        counted.whole = found.whole
        values |= {"found": found.ids, "scope": list(scope.collection_ids)}
    else:
        bounds = bounds_for(question, scope, budget, needed)
        if bounds is None:
            return counted
        where = bounds.conditions(ITEM)
        values |= bounds.values
    statement = BASE.replace("<where>", where) + SIZE
    for name in names:
        statement += " UNION ALL " + COUNTS[name]
    for name, value, count in _read(statement, values, counted, budget):
        if name:
            counted.counts[name][value] = count
        else:
            counted.size = count
    return counted


def _read(statement: str, values: Mapping[str, Any], counted: _Counted, budget: Budget) -> list[tuple[str, str, int]]:
    notes: list[str] = []
    rows: list[tuple[str, str, int]] = []
    with (
        limited(notes),
        settings.locally("statement_timeout", budget.milliseconds),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    counted.whole = counted.whole and not notes
    return rows


def _values(name: str, counts: Mapping[str, int], scope: Scope) -> tuple[Value, ...]:
    """The values as people choose them: kinds as they are known, months newest first, the rest by their number."""
    if name == "kind":
        with translation.override(None):
            return tuple(Value(kind, str(kind.label), counts[kind]) for kind in Kind if kind in counts)
    if name == "collection":
        places = Collection.objects.filter(pk__in=scope.collection_ids).only("public_id", "name", "purpose")
        found = [
            Value(str(one.public_id), one.name, counts[str(one.pk)], one.purpose)
            for one in places
            if str(one.pk) in counts
        ]
        return tuple(sorted(found, key=lambda one: (-one.count, one.label.lower())))
    found = [Value(value, value, count) for value, count in counts.items()]
    if name == "month":
        return tuple(sorted(found, key=lambda one: one.value, reverse=True))
    return tuple(sorted(found, key=lambda one: (-one.count, one.label)))
