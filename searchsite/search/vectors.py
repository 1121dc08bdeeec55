"""Nearest vectors within bounds: all compared exactly, or candidates by codes or by a graph, and those exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from pgvector import HalfVector

from searchsite.indexing import centres, indexes, settings, tables
from searchsite.indexing.models import Space
from searchsite.inference.types import Vectors
from searchsite.search import access
from searchsite.search.access import Way
from searchsite.search.bounds import VECTOR, Bounds

# In the channel of pictures no part is looked up: the left side of the AND comes first.
IS_TAGS: LiteralString = "v.channel = 'text' AND (SELECT part.role = 'tags' FROM part WHERE part.id = v.part_id)"
# So many parts are found; where no more are visible, that is all of them.
DEPTH = 200
# One long text may hold all the nearest passages: then look further, until so many items are found.
ENOUGH_ITEMS, DEEPER, DEEPEST, MOST_ROUNDS = 101, 5, 5000, 40
# Where one of the first hits came from the later candidates, others may lie beyond the last of them.
FIRST, EARLY_PART = 10, 4
# Short codes tell little: the fewer bits, the more are compared exactly, and the earlier must the first hits come from.
# With so many bits as many are compared as are asked for. What is not much more than that is compared all.
BITS, MOST_BY_CODES, LITTLE_MORE = 1024, 2000, 3
# So many are compared exactly at least; a graph holds at most so many on its walk.
FEWEST_CANDIDATES, MOST_WALKED = 100, 1000
# OFFSET 0 and + 0, or the planner would walk a graph that knows nothing of the bounds.
EXACT: LiteralString = """
WITH near AS MATERIALIZED (
    SELECT * FROM (
        SELECT v.item_id, v.part_id, v.created_at, v.channel, v.vector <=> %(vector)b AS distance FROM {table} AS v
        WHERE v.channel = %(channel)s AND <bounds> OFFSET 0
    ) AS compared ORDER BY distance, part_id LIMIT %(candidates)s
)
SELECT v.item_id, v.part_id, v.created_at, v.distance, <is_tags>, 0::int8 FROM near AS v
ORDER BY v.distance, v.part_id
""".replace("<is_tags>", IS_TAGS)
COMPARED: LiteralString = (
    "v.item_id, v.part_id, v.created_at, v.channel, v.vector <=> %(vector)b AS distance, near.told"
)
# Whether the first hits came from the early ones of the candidates that were compared.
SETTLED: LiteralString = """
SELECT max(told) <= (SELECT percentile_disc(1.0 / %(early_part)s) WITHIN GROUP (ORDER BY told) FROM <those>) AS is_so
FROM (SELECT told FROM <those> ORDER BY distance LIMIT %(first)s) AS first
"""
# The first phase reads the covering index alone. Few candidates are compared all. Of more, the early ones; where these
# do not settle it, the later ones, too, and then all that were kept: a second scan would cost more than that.
# MATERIALIZED, or the planner would mix the phases.
CODES: LiteralString = (
    """
WITH near AS MATERIALIZED (
    SELECT v.item_id, v.part_id, (v.code <~> %(code)b) + 0 AS told FROM {table} AS v
    WHERE v.channel = %(channel)s AND v.code_version = %(version)s AND <bounds>
    ORDER BY told, v.part_id LIMIT %(kept)s
), size AS MATERIALIZED (
    SELECT count(*) AS number, count(*) <= %(few)s AS is_small FROM near
), early AS MATERIALIZED (
    SELECT <compared> FROM (
        SELECT * FROM near ORDER BY told, part_id
        LIMIT (SELECT CASE WHEN is_small THEN number ELSE %(candidates)s END FROM size)) AS near
    JOIN {table} AS v ON v.item_id = near.item_id AND v.part_id = near.part_id
), settled AS MATERIALIZED (<settled>), later AS MATERIALIZED (
    SELECT * FROM early UNION ALL
    SELECT <compared> FROM (
        SELECT * FROM near ORDER BY told, part_id LIMIT %(more)s - %(candidates)s OFFSET %(candidates)s) AS near
    JOIN {table} AS v ON v.item_id = near.item_id AND v.part_id = near.part_id
    WHERE NOT (SELECT is_small FROM size) AND NOT (SELECT is_so FROM settled)
), settled_later AS MATERIALIZED (<settled_later>)
SELECT v.item_id, v.part_id, v.created_at, v.distance, <is_tags>, v.number FROM (SELECT * FROM (
    SELECT * FROM later UNION ALL
    SELECT <compared> FROM (SELECT * FROM near ORDER BY told, part_id OFFSET %(more)s) AS near
    JOIN {table} AS v ON v.item_id = near.item_id AND v.part_id = near.part_id
    WHERE NOT (SELECT is_small FROM size) AND NOT (SELECT is_so FROM settled)
        AND NOT (SELECT is_so FROM settled_later)
) AS compared CROSS JOIN size ORDER BY distance, part_id LIMIT %(depth)s) AS v ORDER BY v.distance, v.part_id
""".replace("<settled>", SETTLED.replace("<those>", "early"))
    .replace("<settled_later>", SETTLED.replace("<those>", "later"))
    .replace("<compared>", COMPARED)
    .replace("<is_tags>", IS_TAGS)
)
# The channel is written out: the index is of one. How far to walk is set by a condition that is looked at once, before
# the walk: it holds for this statement, and spares the round trips of a transaction. + 0, or the planner would believe
# that what a walk finds is in order.
GRAPH: LiteralString = """
WITH near AS MATERIALIZED (
    SELECT v.item_id, v.part_id, v.created_at, v.channel, v.vector <=> %(vector)b AS distance FROM {table} AS v
    WHERE <walking> AND v.channel = '<channel>' AND <bounds> ORDER BY <distance> LIMIT %(candidates)s
)
SELECT v.item_id, v.part_id, v.created_at, v.distance, <is_tags>, 0::int8 FROM near AS v
ORDER BY v.distance + 0, v.part_id
""".replace("<is_tags>", IS_TAGS).replace("<walking>", settings.WALKING)
DISTANCES: Mapping[str, LiteralString] = {
    "vector": "v.vector <=> %(vector)b",
    "prefix": "subvector(v.vector, 1, {prefix})::halfvec({prefix}) <=> %(prefix)b",
    "code": "v.code <~> %(code)b",
}
CHANNELS: Mapping[str, LiteralString] = {"image": "image", "text": "text"}


class Near(NamedTuple):
    """One part that a channel found. `part_id` is None when it was the title; `similarity` is a cosine.

    share: of the question's words those that are there. guessed: it is tags, which a network mostly guesses. known: the
    share where a word that is nowhere weighs no more than the others: it may be misspelt.
    """

    item_id: int
    part_id: int | None
    created_at: datetime
    similarity: float | None
    share: float = 1.0
    guessed: bool = False
    known: float = 1.0


class Enough(NamedTuple):
    """How many parts a search has to find, and of how many items."""

    parts: int = DEPTH
    items: int = ENOUGH_ITEMS


PLENTY = Enough()


@dataclass(frozen=True)
class _Scan:
    """What some candidates came to. whole: there are no more."""

    found: list[Near]
    whole: bool

    @property
    def items(self) -> set[int]:
        return {near.item_id for near in self.found}


@dataclass(frozen=True)
class _Asked:
    """One question to one channel. candidates: at least so many are compared exactly. before: called ahead of each
    statement.
    """

    space: Space
    channel: str
    vector: Vectors
    bounds: Bounds
    candidates: int
    before: Callable[[], None] = lambda: None

    def exact(self, depth: int) -> _Scan:
        """Compare everything that is visible."""
        rows = self._rows(EXACT, depth)
        return _Scan(_found(rows), len(rows) < depth)

    def by_codes(self, depth: int) -> _Scan:
        """The nearest of those whose codes are nearest, of each version of codes that is about."""
        centre = centres.centre_of(self.space, self.channel)
        assert centre is not None
        candidates = max(depth, self.candidates, min(depth * BITS // self.space.dimensions, MOST_BY_CODES))
        scans = [
            self._near_codes(depth, candidates, version=version, code=tables.code_of(self.vector, mean))
            for version, mean in centre.versions
        ]
        if len(scans) == 1:
            return scans[0]
        found = sorted((near for scan in scans for near in scan.found), key=lambda near: -(near.similarity or 0.0))
        return _Scan(found, all(scan.whole for scan in scans))

    def _near_codes(self, depth: int, candidates: int, **own: Any) -> _Scan:
        # Beyond what is kept, what is left is much alike.
        kept = max(candidates, DEEPEST)
        own |= {"depth": depth, "kept": kept, "more": min(DEEPER * candidates, kept)}
        part = EARLY_PART if self.space.dimensions >= BITS else 2 * EARLY_PART
        few = min(max(access.EXACT_UP_TO, LITTLE_MORE * candidates), kept - 1)
        own |= {"few": few, "first": FIRST, "early_part": part}
        rows = self._rows(CODES, candidates, **own)
        number = rows[0][5] if rows else 0
        return _Scan(_found(rows), number <= depth and number < kept)

    def by_graph(self, depth: int) -> _Scan:
        """The nearest of those that a walk meets; never whole, since filters may have left it too little."""
        design = indexes.design_of(self.space)
        candidates = min(max(depth, self.candidates), MOST_WALKED)
        depth = min(depth, candidates)
        own: dict[str, Any] = {}
        if design.of == "prefix":
            own["prefix"] = HalfVector(self.vector[: design.dimensions])
        elif design.of == "code":
            centre = centres.centre_of(self.space, self.channel)
            own["code"] = tables.code_of(self.vector, centre.mean if centre else None)
        statement = GRAPH.replace("<channel>", CHANNELS[self.channel]).replace("<distance>", DISTANCES[design.of])
        return _Scan(_found(self._rows(statement, candidates, **own)[:depth]), whole=False)

    def _rows(self, statement: LiteralString, candidates: int, **own: Any) -> list[Any]:
        values = self.bounds.values | own | {"channel": self.channel, "vector": HalfVector(self.vector)}
        bounded = statement.replace("<bounds>", self.bounds.conditions(VECTOR))
        whole = tables.query(bounded, self.space.pk, prefix=indexes.design_of(self.space).dimensions)
        self.before()
        with tables.cursor() as cursor:
            return cursor.execute(whole, values | {"candidates": candidates}, prepare=True, binary=True).fetchall()


def _found(rows: Iterable[Any]) -> list[Near]:
    return [
        Near(item_id, part_id, created_at, 1.0 - distance, guessed=is_tags)
        for item_id, part_id, created_at, distance, is_tags, _number in rows
    ]


def nearest(
    space: Space,
    channel: str,
    vector: Vectors,
    bounds: Bounds,
    *,
    enough: Enough = PLENTY,
    before: Callable[[], None] = lambda: None,
) -> list[Near]:
    """The nearest parts of one channel, nearest first: as many as are enough or more, or all there are.

    before: called ahead of each statement.
    """
    asked = _Asked(space, channel, vector, bounds, candidates_of(space, channel), before)
    before()
    way = access.way_to(space, channel, bounds)
    if way is Way.GRAPH:
        for deep in (enough.parts, enough.parts * DEEPER):
            scan = asked.by_graph(deep)
            if len(scan.found) < min(deep, MOST_WALKED):
                break
            if len(scan.items) >= enough.items:
                return scan.found
        way = Way.CODES
    return _deep_enough(asked, asked.exact if way is Way.EXACT else asked.by_codes, enough)


def compared(space: Space, channel: str, vector: Vectors, bounds: Bounds, *, depth: int) -> list[Near]:
    """The truly nearest: everything that is visible is compared, however long it takes."""
    return _Asked(space, channel, vector, bounds, depth).exact(depth).found


def candidates_of(space: Space, channel: str) -> int:
    """How many are compared exactly at least, as measured to be enough."""
    return int(space.recall.get(channel, {}).get("candidates", FEWEST_CANDIDATES))


def _deep_enough(asked: _Asked, scan_to: Callable[[int], _Scan], enough: Enough) -> list[Near]:
    depth = enough.parts
    scan = scan_to(depth)
    while not scan.whole and depth < DEEPEST and len(scan.items) < enough.items:
        depth *= DEEPER
        scan = scan_to(depth)
    found, items = scan.found, scan.items
    # So long are the texts found that others do not come up at all: then those others alone.
    for _round in range(MOST_ROUNDS):
        if scan.whole or len(items) >= enough.items:
            break
        others = replace(asked, bounds=asked.bounds.lacking(items))
        scan = others.exact(DEEPEST) if scan_to == asked.exact else others.by_codes(DEEPEST)
        found, items = found + scan.found, items | scan.items
    return found
