"""Which of the found items are copies of others: folded in results, listed by themselves, offered for review.

Two items are copies when their bytes are the same, when one is the other in another size or quality, or when edges were
cut off a photo and the vectors agree. Of screenshots vectors tell nothing: other words in a window hardly move them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString
from uuid import UUID

from django.utils.translation import gettext as _
from psycopg import sql

from searchsite.indexing import spaces, tables
from searchsite.indexing.models import Space
from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search.wrong import NotFound

# Photos whose edges were cut off by 1 to 8 % have .92 to .998, other photos at most .79 (bench/duplicates.py).
LEAST_NEAR = 0.9
MOST_COPIES, MOST_OFFERED = 100, 5000
TOGETHER: LiteralString = """NOT EXISTS (
    SELECT FROM kept_apart WHERE one_id = least(a.id, b.id) AND other_id = greatest(a.id, b.id))"""
NEAR: LiteralString = """(likeness.sure OR a.kind = 'image' AND b.kind = 'image' AND <near>)"""
VECTORS: LiteralString = """EXISTS (
    SELECT FROM {table} AS v JOIN {table} AS w ON w.item_id = b.id AND w.channel = 'image'
    WHERE v.item_id = a.id AND v.channel = 'image' AND v.vector <=> w.vector <= %(far)s)"""
PAIRS: LiteralString = """
SELECT a.id, a.public_id, b.id, b.public_id FROM here AS a JOIN here AS b ON b.blob_id = a.blob_id AND b.id > a.id
WHERE <together>
UNION ALL
SELECT a.id, a.public_id, b.id, b.public_id FROM here AS a JOIN likeness ON likeness.one_id = a.blob_id
JOIN here AS b ON b.blob_id = likeness.other_id WHERE <together> AND <close>
""".replace("<together>", TOGETHER).replace("<close>", NEAR)
AMONG: LiteralString = (
    """WITH here AS MATERIALIZED (
    SELECT id, public_id, blob_id, kind FROM item WHERE id = ANY(%(items)s::bigint[]) AND blob_id IS NOT NULL
        AND collection_id = ANY(%(scope)s::bigint[])
)"""
    + PAIRS
)
OF_ONE: LiteralString = """WITH files AS MATERIALIZED (
    SELECT %(blob)s::bigint AS blob_id UNION SELECT other_id FROM likeness WHERE one_id = %(blob)s
    UNION SELECT one_id FROM likeness WHERE other_id = %(blob)s
)
SELECT item.id FROM item JOIN files ON files.blob_id = item.blob_id
WHERE item.collection_id = ANY(%(scope)s::bigint[]) LIMIT %(most)s
"""
OFFERED: LiteralString = (
    """WITH here AS MATERIALIZED (
    SELECT id, public_id, blob_id, kind FROM item
    WHERE collection_id = ANY(%(scope)s::bigint[]) AND blob_id IN (
        SELECT one_id FROM likeness WHERE team_id = %(team)s UNION ALL
        SELECT other_id FROM likeness WHERE team_id = %(team)s UNION ALL
        (SELECT blob_id FROM item WHERE collection_id = ANY(%(scope)s::bigint[]) AND blob_id IS NOT NULL
         GROUP BY blob_id HAVING count(*) > 1))
    ORDER BY id DESC LIMIT %(most)s
)"""
    + PAIRS
)
Pair = tuple[int, UUID, int, UUID]


def among(ids: Sequence[int], scope: Scope, space: Space | None) -> list[Pair]:
    """The pairs of copies among these items, as far as they are visible."""
    return _pairs(AMONG, space, {"items": list(ids), "scope": list(scope.collection_ids)})


def offered(scope: Scope, space: Space | None) -> list[list[int]]:
    """Groups of copies that the scope may change, those with the newest item first; at most of the newest items."""
    pairs = _pairs(OFFERED, space, {"scope": list(scope.writable_ids), "team": scope.team_id, "most": MOST_OFFERED})
    return sorted(_joined((one, other) for one, _a, other, _b in pairs), reverse=True)


def of(public_id: UUID, scope: Scope) -> list[int]:
    """An item and its copies within the scope. Raises NotFound."""
    item = Item.objects.visible_to(scope).filter(public_id=public_id).values_list("pk", "blob_id").first()
    if item is None:
        raise NotFound(_("There is no such item."))
    pk, blob = item
    if blob is None:
        return [pk]
    with tables.cursor() as cursor:
        values = {"blob": blob, "scope": list(scope.collection_ids), "most": MOST_COPIES}
        near = [other for (other,) in cursor.execute(OF_ONE, values).fetchall()]
    pairs = among([pk, *near], scope, spaces.active())
    return [pk, *sorted({one + other - pk for one, _a, other, _b in pairs if pk in (one, other)})]


def _pairs(statement: LiteralString, space: Space | None, values: dict[str, Any]) -> list[Pair]:
    if space is None:
        whole: sql.SQL | sql.Composed = sql.SQL(statement.replace("<near>", "false"))
    else:
        whole = tables.query(statement.replace("<near>", VECTORS), space.pk)
        values = values | {"far": 1.0 - LEAST_NEAR}
    with tables.cursor() as cursor:
        found: list[Pair] = cursor.execute(whole, values, prepare=True, binary=True).fetchall()
    return found


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of what hangs together, the largest id of each first."""
    leader: dict[int, int] = {}

    def top(one: int) -> int:
        while leader.setdefault(one, one) != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        leader[low] = high
    groups: dict[int, list[int]] = {}
    for one in leader:
        groups.setdefault(top(one), []).append(one)
    return [sorted(group, reverse=True) for group in groups.values()]
