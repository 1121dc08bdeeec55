"""The index manager: each space's graphs of neighbours (HNSW), made beside searches and writes. The only DDL for them.

A channel gets one once it has so many vectors that a scan of all codes costs more than a walk. What is indexed is the
vector itself where it is short, a prefix of it where the space says that prefixes are vectors, else the centred code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, LiteralString

import structlog
from django.db import OperationalError, ProgrammingError, connection
from psycopg import sql
from psycopg.errors import UndefinedTable

from searchsite.indexing import plan, tables
from searchsite.indexing.alone import Work, alone
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.jobs import overview
from searchsite.library.models import Channel

log = structlog.get_logger()
GRAPH_FROM = 10_000
"""Vectors of a channel. Below, a scan of the codes takes little more than a walk, and a graph slows down writing."""
LITTLE = 0.25
"""Vectors on the way, as a share of those of a channel: with more, its graph waits."""
M, EF_CONSTRUCTION = 16, 128
MOST_WHOLE, SHORT_PREFIX, LONG_PREFIX, LONG_FROM = 512, 256, 512, 2049
# A graph that outgrows its memory is built ten times as slowly. Bytes a vector, beside those of the vector itself.
NODE_BYTES, LEAST_MEMORY, MEMORY_SHARE = 400, 64 << 20, 0.25
EXPRESSIONS: dict[str, LiteralString] = {
    "vector": "vector halfvec_cosine_ops",
    "prefix": "(subvector(vector, 1, {prefix})::halfvec({prefix})) halfvec_cosine_ops",
    "code": "code bit_hamming_ops",
}
CREATE: LiteralString = """
CREATE INDEX CONCURRENTLY {index} ON {table} USING hnsw (<expression>)
    WITH (m = {m}, ef_construction = {ef}) WHERE channel = {channel}
"""
FOUND = """
SELECT class.relname, pg_index.indisvalid FROM pg_index JOIN pg_class AS class ON class.oid = pg_index.indexrelid
WHERE pg_index.indrelid = to_regclass(%s) AND class.relname = ANY(%s)
"""
RUNNING = """
SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total
    WHEN blocks_total > 0 THEN blocks_done::float8 / blocks_total ELSE 0 END
FROM pg_stat_progress_create_index WHERE relid = to_regclass(%s)
"""
ROOM = (
    "SELECT set_config('statement_timeout', %s, false), set_config('maintenance_work_mem', %s, false),"
    " set_config('max_parallel_maintenance_workers', %s, false)"
)
AS_IT_WAS = (
    "SELECT current_setting('statement_timeout'), current_setting('maintenance_work_mem'),"
    " current_setting('max_parallel_maintenance_workers')"
)
OWN = "SELECT FROM {table} WHERE channel = %s"


@dataclass(frozen=True)
class Design:
    """What of a vector the graph compares, and how many numbers or bits that is."""

    of: Literal["vector", "prefix", "code"]
    dimensions: int


@dataclass(frozen=True)
class Build:
    """An index that Postgres is building now. `share`: of the phase that it is in, 0 to 1."""

    phase: str
    share: float

    @property
    def percent(self) -> int:
        """How far the phase is."""
        return int(100 * self.share)


def design_of(space: Space) -> Design:
    """What the space's graphs compare."""
    if space.dimensions <= MOST_WHOLE:
        return Design("vector", space.dimensions)
    if space.mrl:
        usual = LONG_PREFIX if space.dimensions >= LONG_FROM else SHORT_PREFIX
        return Design("prefix", min(space.prefix_dims or usual, space.dimensions))
    return Design("code", space.dimensions)


def is_ready(space: Space, channel: str) -> bool:
    """Whether searches may walk the channel's graph."""
    return bool(space.graphs.get(channel))


def estimated(space: Space, channel: str) -> int:
    """About how many vectors a channel has, by Postgres' own statistics; costs 0.1 ms."""
    return tables.expected(tables.query(OWN, space.pk), [channel])


def wanted(space: Space) -> list[str]:
    """Channels that should have a graph. One that goes below the mark keeps it until half of it is gone."""
    own = [channel for channel in Channel.values if space.takes_pictures or channel == Channel.TEXT]
    return [one for one in own if estimated(space, one) >= (GRAPH_FROM // 2 if is_ready(space, one) else GRAPH_FROM)]


def lacking(space: Space) -> list[str]:
    """Channels whose graph is to be built now.

    A space that is being filled gets its graphs once it is full, and one that answers once little is on the way to it:
    to put a vector into a graph that is there costs ten times as much as to build it with them all.
    """
    missing = [channel for channel in wanted(space) if not is_ready(space, channel)]
    if not missing:
        return []
    if space.status == SpaceStatus.BUILDING:
        return [] if overview.open_count(plan.EMBED, (space.pk,)) else missing
    coming = overview.open_count(plan.EMBED, (None, space.pk))
    return [channel for channel in missing if coming <= LITTLE * estimated(space, channel)]


def follow(space: Space) -> None:
    """Note which graphs are there, whoever made or dropped them; a search believes the note."""
    found = _found(space)
    ready = {channel: True for channel in Channel.values if found.get(_name(space, channel))}
    if ready != space.graphs:
        Space.objects.filter(pk=space.pk).update(graphs=ready)
        space.graphs = ready


def build(space: Space) -> list[str]:
    """Build what is lacking, and drop what is not wanted any more; returns the channels that got a graph.

    One process does it, others come back at once. Not within a transaction: searches and writes go on meanwhile.
    """
    with alone(Work.INDEXES, space) as first:
        if not first:
            return []
        try:
            _drop_leftovers(space)
            follow(space)
            return [channel for channel in lacking(space) if _build(space, channel)]
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable):
                raise
            return []  # the space went meanwhile
        finally:
            follow(space)


def builds(space: Space) -> list[Build]:
    """What Postgres is building for the space now."""
    with connection.cursor() as cursor:
        cursor.execute(RUNNING, [tables.name(space.pk)])
        return [Build(phase, float(share)) for phase, share in cursor.fetchall()]


def _name(space: Space, channel: str) -> str:
    return f"{tables.name(space.pk)}_graph_{channel}"


def _found(space: Space) -> dict[str, bool]:
    names = [_name(space, channel) for channel in Channel.values]
    with connection.cursor() as cursor:
        cursor.execute(FOUND, [tables.name(space.pk), names])
        return dict(cursor.fetchall())


def _drop_leftovers(space: Space) -> None:
    """What an interrupted build left is never used, yet each write keeps it up; and what is not wanted any more."""
    kept = {_name(space, channel) for channel in wanted(space)}
    for name, valid in _found(space).items():
        if not valid or name not in kept:
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))


def _build(space: Space, channel: str) -> bool:
    number = estimated(space, channel)
    # Half of the cores stay with people. Several processes meet in shared memory, of which a container may have little.
    for workers in dict.fromkeys((max(0, (os.cpu_count() or 1) // 2 - 1), 0)):
        try:
            with _room(_memory(space, number), workers):
                _create(space, channel)
        except OperationalError as error:
            # Out of memory or disk, or ended, as its space goes.
            log.warning("no graph yet", space=space.pk, channel=channel, error=str(error).strip())
            _drop_leftovers(space)
            continue
        log.info("graph built", space=space.pk, channel=channel, vectors=number)
        return True
    return False


def _create(space: Space, channel: str) -> None:
    design = design_of(space)
    statement = sql.SQL(CREATE.replace("<expression>", EXPRESSIONS[design.of])).format(
        index=sql.Identifier(_name(space, channel)),
        table=sql.Identifier(tables.name(space.pk)),
        prefix=sql.Literal(design.dimensions),
        m=sql.Literal(M),
        ef=sql.Literal(EF_CONSTRUCTION),
        channel=sql.Literal(channel),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _memory(space: Space, number: int) -> int:
    """Bytes that the graph takes while it is built, within what the machine can spare."""
    design = design_of(space)
    each = NODE_BYTES + (design.dimensions // 8 if design.of == "code" else 2 * design.dimensions)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(LEAST_MEMORY, min(int(1.2 * each * number), int(MEMORY_SHARE * machine)))


@contextmanager
def _room(memory: int, workers: int) -> Iterator[None]:
    """Memory and processes for a build, and no limit of time; afterwards the connection is as it was."""
    with connection.cursor() as cursor:
        cursor.execute(AS_IT_WAS)
        before = cursor.fetchone()
        cursor.execute(ROOM, ["0", f"{memory >> 10}kB", str(workers)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(ROOM, before)
