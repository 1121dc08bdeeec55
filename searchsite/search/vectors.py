"""Nearest vectors within bounds: by codes first, then the nearest of those exactly. Few are all compared exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from pgvector import HalfVector

from searchsite.indexing import centres, tables
from searchsite.indexing.models import Space
from searchsite.inference.types import Vectors
from searchsite.search.bounds import VECTOR, Bounds

# In the channel of pictures no part is looked up: the left side of the AND comes first.
IS_TAGS: LiteralString = "v.channel = 'text' AND (SELECT part.role = 'tags' FROM part WHERE part.id = v.part_id)"
# So many are compared exactly; where no more are visible, that is all of them.
DEPTH = 200
# One long text may hold all the nearest passages: then look further, until so many items are found.
ENOUGH_ITEMS, DEEPEST = 101, 5000
EXACT: LiteralString = """
SELECT v.item_id, v.part_id, v.created_at, v.vector <=> %(vector)b AS distance, <is_tags> FROM {table} AS v
WHERE v.channel = %(channel)s AND <bounds> ORDER BY distance, v.part_id LIMIT %(depth)s
""".replace("<is_tags>", IS_TAGS)
# The first phase reads the covering index alone. MATERIALIZED, or the planner would mix the phases.
TWO_PHASE: LiteralString = """
WITH near AS MATERIALIZED (
    SELECT v.item_id, v.part_id FROM {table} AS v
    WHERE v.channel = %(channel)s AND v.code_version = %(version)s AND <bounds>
    ORDER BY v.code <~> %(code)b, v.part_id LIMIT %(depth)s
)
SELECT v.item_id, v.part_id, v.created_at, v.vector <=> %(vector)b AS distance, <is_tags>
FROM near JOIN {table} AS v ON v.item_id = near.item_id AND v.part_id = near.part_id ORDER BY distance, v.part_id
""".replace("<is_tags>", IS_TAGS)


class Near(NamedTuple):
    """One part that a channel found. `part_id` is None when it was the title; `similarity` is a cosine.

    share: of the question's words those that are there. guessed: it is tags, which a network mostly guesses.
    """

    item_id: int
    part_id: int | None
    created_at: datetime
    similarity: float | None
    share: float = 1.0
    guessed: bool = False


def nearest(space: Space, channel: str, vector: Vectors, bounds: Bounds) -> list[Near]:
    """The nearest parts of one channel, nearest first."""
    values = bounds.values | {"channel": channel, "vector": HalfVector(vector)}
    centre = centres.centre_of(space, channel)
    if centre is None or not centre.ready:
        return _deep_enough(lambda depth: _run(EXACT, space, bounds, values | {"depth": depth}))
    coded = values | {"code": tables.code_of(vector, centre.mean), "version": centre.version}
    return _deep_enough(lambda depth: _run(TWO_PHASE, space, bounds, coded | {"depth": depth}))


def _deep_enough(scan: Callable[[int], list[Near]]) -> list[Near]:
    depth = DEPTH
    found = scan(depth)
    while len(found) == depth < DEEPEST and len({near.item_id for near in found}) < ENOUGH_ITEMS:
        depth *= 5
        found = scan(depth)
    return found


def _run(statement: LiteralString, space: Space, bounds: Bounds, values: dict[str, Any]) -> list[Near]:
    whole = tables.query(statement.replace("<bounds>", bounds.conditions(VECTOR)), space.pk)
    with tables.cursor() as cursor:
        rows = cursor.execute(whole, values, prepare=True, binary=True).fetchall()
    return [
        Near(item_id, part_id, created_at, 1.0 - distance, guessed=is_tags)
        for item_id, part_id, created_at, distance, is_tags in rows
    ]
