"""The one module of raw DDL for vectors, and the only writer of vector rows. Vectors travel in binary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import numpy as np
import psycopg
from django.db import connection
from pgvector import Bit, HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql

from searchsite.inference.types import Vectors

# The filters are copies of the item's columns: Postgres itself keeps them true when an item moves or goes. The index
# covers the first phase of a scan, filters included; vacuuming often is what keeps it from visiting the heap.
CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
    item_id bigint NOT NULL,
    part_id bigint NOT NULL REFERENCES part (id) ON DELETE CASCADE,
    team_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    kind varchar(12) NOT NULL,
    channel varchar(5) NOT NULL,
    created_by bigint,
    created_at timestamptz NOT NULL,
    vector halfvec({dimensions}) NOT NULL,
    code bit({dimensions}) NOT NULL,
    code_version integer NOT NULL,
    input_hash bytea NOT NULL,
    PRIMARY KEY (item_id, part_id),
    FOREIGN KEY (item_id, collection_id, kind) REFERENCES item (id, collection_id, kind)
        ON UPDATE CASCADE ON DELETE CASCADE
) WITH (autovacuum_vacuum_insert_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_analyze_threshold = 500, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE {table} ALTER code SET STORAGE PLAIN, ALTER vector SET STORAGE {storage};
CREATE INDEX IF NOT EXISTS {scan_index} ON {table} (channel, collection_id)
    INCLUDE (item_id, part_id, kind, created_by, created_at, code_version, code);
CREATE INDEX IF NOT EXISTS {part_index} ON {table} (part_id);
CREATE STATISTICS IF NOT EXISTS {together} (dependencies, mcv) ON channel, collection_id, kind FROM {table};
"""
# A part that went meanwhile writes nothing; the item's own columns are read here, never handed in.
PUT = """
INSERT INTO {table} (item_id, part_id, team_id, collection_id, kind, channel, created_by, created_at,
    vector, code, code_version, input_hash)
SELECT item.id, part.id, item.team_id, item.collection_id, item.kind, part.channel, item.created_by_id,
    item.created_at, %b, %b, %s, %s
FROM part JOIN item ON item.id = part.item_id WHERE part.id = %s
ON CONFLICT (item_id, part_id) DO UPDATE SET vector = excluded.vector, code = excluded.code,
    code_version = excluded.code_version, input_hash = excluded.input_hash, channel = excluded.channel
"""
RECODE = """
WITH old AS (
    SELECT item_id, part_id FROM {table} WHERE channel = %s AND code_version <> %s LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE {table} AS t SET code = binary_quantize(vector - %b), code_version = %s
FROM old WHERE t.item_id = old.item_id AND t.part_id = old.part_id
"""
# From a few times as many rows of pages drawn by lot: rows of one page came in together, and may be much alike.
SAMPLE = """
SELECT vector FROM {table} TABLESAMPLE SYSTEM (%s) WHERE channel = %s ORDER BY random() LIMIT %s
"""
COUNT = "SELECT count(*) FROM (SELECT FROM {table} WHERE channel = %s LIMIT %s) AS counted"
OUTDATED = "SELECT EXISTS (SELECT FROM {table} WHERE channel = %s AND code_version <> %s)"
# Beside its row a vector takes four times as long to compare, within it a page holds but a few rows: so few that a
# longer one would waste much of the page.
INLINE_UP_TO = 1024
COLUMNS = {
    "item_id": "int8",
    "part_id": "int8",
    "team_id": "int8",
    "collection_id": "int8",
    "kind": "varchar",
    "channel": "varchar",
    "created_by": "int8",
    "created_at": "timestamptz",
    "vector": "halfvec",
    "code": "bit",
    "code_version": "int4",
    "input_hash": "bytea",
}
SPREAD = 4
HASHES = "SELECT part_id, input_hash FROM {table} WHERE item_id = ANY(%s)"
FORGET = "UPDATE {table} SET input_hash = '' WHERE item_id = ANY(%s)"
FROM_LACKING = """
FROM part JOIN item ON item.id = part.item_id
WHERE (item.kind = 'text' OR item.width IS NOT NULL)
    AND (part.channel = 'image' AND %s OR part.channel = 'text' AND part.text ~ '\\S')
    AND NOT EXISTS (
        SELECT FROM {table} AS t WHERE t.item_id = part.item_id AND t.part_id = part.id AND t.input_hash <> ''
    )
"""
OUTDATE = """
UPDATE {table} AS t SET input_hash = '' FROM unnest(%s::bigint[], %s::bytea[]) AS now (part_id, input_hash)
WHERE t.part_id = now.part_id AND t.input_hash <> now.input_hash
"""
LACKING_ITEMS = (
    "SELECT DISTINCT part.item_id" + FROM_LACKING + "AND part.item_id < %s ORDER BY part.item_id DESC LIMIT %s"
)
# Keys keep vectors from being left over; a crash of the disk, or a restore of one table, asks no key.
STRAY = """
FROM {table} AS t WHERE NOT EXISTS (
    SELECT FROM part JOIN item ON item.id = part.item_id
    WHERE part.id = t.part_id AND item.id = t.item_id
        AND item.collection_id = t.collection_id AND item.kind = t.kind AND item.team_id = t.team_id
)
"""
STOP_BUILDS = "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index WHERE relid = to_regclass(%s)"
BEYOND_ALL = 2**63 - 1
NAMED = "^embedding_[0-9]+$"
LACKING_PARTS = "SELECT count(*)" + FROM_LACKING


@dataclass(frozen=True)
class Row:
    """One part's vector, as it is written. `input_hash` says what was embedded."""

    part_id: int
    vector: Vectors
    code: Bit
    code_version: int
    input_hash: bytes


def name(space_id: int) -> str:
    """The table of a space."""
    return f"embedding_{int(space_id)}"


def query(text: LiteralString, space_id: int, **numbers: int) -> sql.Composed:
    """Put the space's table into a statement that says {table}, and numbers that an index's expression needs."""
    literals = {key: sql.Literal(int(number)) for key, number in numbers.items()}
    return sql.SQL(text).format(table=sql.Identifier(name(space_id)), **literals)


@contextmanager
def cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A psycopg cursor on Django's connection that binds on the server, so that vectors travel in binary.

    Its errors are Django's, and it takes part in `atomic`.
    """
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors:
        if raw.adapters.types.get("halfvec") is None:
            register_vector(raw)
        with psycopg.Cursor(raw) as opened:
            yield opened


def code_of(vector: Vectors, mean: Vectors | None) -> Bit:
    """One bit a dimension: on which side of the mean a vector lies."""
    return Bit((vector if mean is None else vector - mean) > 0)


def create(space_id: int, dimensions: int) -> None:
    """Make a space's table and indexes unless they are there."""
    named = {
        "table": sql.Identifier(name(space_id)),
        "scan_index": sql.Identifier(f"{name(space_id)}_scan"),
        "part_index": sql.Identifier(f"{name(space_id)}_part"),
        "together": sql.Identifier(f"{name(space_id)}_together"),
        "dimensions": sql.Literal(int(dimensions)),
        "storage": sql.SQL("PLAIN" if dimensions <= INLINE_UP_TO else "EXTERNAL"),
    }
    with connection.cursor() as plain:
        plain.execute(sql.SQL(CREATE).format(**named))


def drop(space_id: int) -> None:
    """Drop a retired space's table. An index that is being built for it would be in the way for hours: it ends."""
    with connection.cursor() as plain:
        plain.execute(STOP_BUILDS, [name(space_id)])
        plain.execute(query("DROP TABLE IF EXISTS {table}", space_id))


def put(space_id: int, rows: Sequence[Row]) -> None:
    """Write vectors in the caller's transaction, over whatever the same parts had before."""
    values = [(HalfVector(row.vector), row.code, row.code_version, row.input_hash, row.part_id) for row in rows]
    with cursor() as opened:
        opened.executemany(query(PUT, space_id), values)


def hashes(space_id: int, item_ids: Iterable[int]) -> dict[int, bytes]:
    """What was embedded for each part of the items."""
    with cursor() as opened:
        return dict(opened.execute(query(HASHES, space_id), [list(item_ids)]).fetchall())


def forget(space_id: int, item_id: int) -> None:
    """Have the item's parts embedded anew; the old vectors serve until then."""
    forget_all(space_id, [item_id])


def forget_all(space_id: int, item_ids: Sequence[int]) -> None:
    """Have the parts of these items embedded anew."""
    with cursor() as opened:
        opened.execute(query(FORGET, space_id), [list(item_ids)])


def count_up_to(space_id: int, channel: str, limit: int) -> int:
    """Count a channel's vectors, at most to the limit."""
    with cursor() as opened:
        return int(_one(opened.execute(query(COUNT, space_id), [channel, limit])))


def sample(space_id: int, channel: str, number: int, *, of: int) -> Vectors:
    """Some of a channel's vectors, drawn by lot: (number, dimensions) or fewer. of: about how many the table has."""
    percent = min(100.0, 100.0 * SPREAD * number / max(of, 1))
    with cursor() as opened:
        found = opened.execute(query(SAMPLE, space_id), [percent, channel, number], binary=True).fetchall()
    return np.array([vector.to_numpy() for (vector,) in found], dtype=np.float32)


def expected(statement: sql.Composable, values: Any) -> int:
    """About how many rows a statement finds, by Postgres' own statistics; costs 0.1 ms."""
    with cursor() as opened:
        planned = _one(opened.execute(sql.SQL("EXPLAIN (FORMAT JSON) ") + statement, values))
    return int(planned[0]["Plan"]["Plan Rows"])


def recode(space_id: int, channel: str, mean: Vectors, *, version: int, limit: int) -> int:
    """Bring some codes of another version to this one; returns how many. Rows being written are left for later."""
    with cursor() as opened:
        opened.execute(query(RECODE, space_id), [channel, version, limit, HalfVector(mean), version])
        return opened.rowcount


def outdated(space_id: int, channel: str, version: int) -> bool:
    """Whether some codes of a channel are of another version."""
    with cursor() as opened:
        return bool(_one(opened.execute(query(OUTDATED, space_id), [channel, version])))


def copy_in(space_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """COPY whole rows in, for benchmarks and restores; each maps every column to its value."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(name(space_id)), sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    )
    with cursor() as opened, opened.copy(statement) as copy:
        copy.set_types(list(COLUMNS.values()))
        for row in rows:
            copy.write_row([row[column] for column in COLUMNS])


def lacking(space_id: int, *, pictures: bool, limit: int, before: int = BEYOND_ALL) -> list[int]:
    """Items, newest first, with a part that should have a vector and has none. A picture is decoded before that.

    before: only items with a smaller id.
    """
    with cursor() as opened:
        found = opened.execute(query(LACKING_ITEMS, space_id), [pictures, before, limit]).fetchall()
    return [pk for (pk,) in found]


def count_lacking(space_id: int, *, pictures: bool) -> int:
    """How many parts should have a vector and have none, or one of what they no longer say."""
    with cursor() as opened:
        return int(_one(opened.execute(query(LACKING_PARTS, space_id), [pictures])))


def stray(space_id: int) -> list[tuple[int, int]]:
    """The item and part of each vector that belongs to neither, or is filed under another collection, kind or team."""
    with cursor() as opened:
        return opened.execute(query("SELECT t.item_id, t.part_id" + STRAY, space_id)).fetchall()


def drop_stray(space_id: int) -> int:
    """Delete the vectors that `stray` finds; returns how many."""
    with cursor() as opened:
        opened.execute(query("DELETE" + STRAY, space_id))
        return opened.rowcount


def present() -> list[int]:
    """The spaces that there are tables of."""
    with cursor() as opened:
        found = opened.execute("SELECT substr(relname, 11) FROM pg_class WHERE relkind = 'r' AND relname ~ %s", [NAMED])
        return sorted(int(number) for (number,) in found.fetchall())


def outdate(space_id: int, rows: Sequence[Row]) -> None:
    """Note which of these parts said something else when they were embedded for this space."""
    with cursor() as opened:
        opened.execute(query(OUTDATE, space_id), [[row.part_id for row in rows], [row.input_hash for row in rows]])


def _one(executed: psycopg.Cursor[Any]) -> Any:
    row = executed.fetchone()
    return row[0] if row else None
