"""A space of its own for a measurement, filled with made-up vectors by the product's own ways. Needs Django set up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import transaction
from pgvector import HalfVector
from psycopg import sql

from bench.truth import COLLECTIONS, Task
from searchsite.accounts.models import Role, Team, User
from searchsite.indexing import centres, indexes, tables
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.library.models import Channel, Collection

CHANNEL = Channel.IMAGE.value
KIND = "image"
FIRST = 1_000_000
AT_ONCE = 5000
LEARN_WITHIN_SECONDS = 60.0
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = {
    "item": "id public_id team_id collection_id kind kind_set_by title source_url placeholder width height created_at",
    "part": "id item_id channel role ordinal text language locator",
}


def place() -> tuple[Team, list[int]]:
    """A team with its collections; their ids are in the order of their numbers."""
    team = Team.objects.create(name="measuring")
    user = User.objects.create(username="measuring")
    team.memberships.create(user=user, role=Role.ADMIN)
    made = [Collection(team=team, name=f"Folder {number:03}", created_by=user) for number in range(COLLECTIONS)]
    Collection.objects.bulk_create(made)
    return team, [one.pk for one in made]


def open_space(dimensions: int) -> Space:
    """The space that answers, of an embedder that there is not: vectors are put in ready-made."""
    space = Space.objects.create(
        adapter="searchsite", embedder="synthetic", dimensions=dimensions, mrl=True, status=SpaceStatus.ACTIVE
    )
    tables.create(space.pk, dimensions)
    return space


def put_items(task: Task, team: Team, collections: Sequence[int], extra: int) -> None:
    """Items and parts without vectors; `extra` more than there are vectors, to put in one by one afterwards."""
    within = [collections[at] for at in task.collections] + [collections[0]] * extra
    for start in range(0, len(within), AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, len(within)))
        items = [
            (FIRST + at, uuid.uuid4(), team.pk, within[at], KIND, "rule", f"Item {at}", "", "", 640, 480, made(at))
            for at in numbers
        ]
        with transaction.atomic():
            copy("item", items)
            copy("part", [(FIRST + at, FIRST + at, CHANNEL, "content", 0, "", "", "{}") for at in numbers])


def put_vectors(space: Space, task: Task, team: Team, collections: Sequence[int]) -> Space:
    """COPY the vectors in. As in life, the centre is learnt from the first; the codes after them know it."""
    starts = [0, *range(centres.LEARN_AT, task.count, AT_ONCE), task.count]
    for start, end in pairwise(starts):
        centre = centres.centre_of(space, CHANNEL)
        some = task.vectors[start:end].astype(np.float32)
        mean, version = (centre.mean, centre.version) if centre is not None else (None, 0)
        with transaction.atomic():
            rows = _rows(some, start, team, [collections[at] for at in task.collections[start:end]])
            coded = (
                row | {"code": tables.code_of(vector, mean), "code_version": version}
                for row, vector in zip(rows, some, strict=True)
            )
            tables.copy_in(space.pk, coded)
        if centre is None or not centre.ready:
            centres.improve(space, seconds=LEARN_WITHIN_SECONDS)
            space = Space.objects.get(pk=space.pk)
    return space


def settle(space: Space) -> None:
    """Vacuum, as autovacuum does before long: the first phase of a scan then reads the index alone."""
    with tables.cursor() as cursor:
        cursor.execute(tables.query("VACUUM ANALYZE {table}", space.pk))
        cursor.execute("VACUUM ANALYZE item, part")


def build_indexes(space: Space) -> list[str]:
    """Build what the product's index manager builds for a space; the channels that got a graph."""
    return indexes.build(space)


def sizes(space: Space) -> dict[str, int]:
    """Bytes of the space's table: rows with what is stored beside them, and each index by its name."""
    table = tables.name(space.pk)
    with tables.cursor() as cursor:
        rows = cursor.execute(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index"
            " WHERE indrelid = %s::regclass",
            [table],
        ).fetchall()
        heap = cursor.execute("SELECT pg_table_size(%s::regclass)", [table]).fetchall()
    return {"table": int(heap[0][0])} | {name.removeprefix(f"{table}_"): int(size) for name, size in rows}


def made(number: int) -> datetime:
    """Items are a minute apart."""
    return BEGAN + timedelta(minutes=number % 400_000)


def copy(table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY rows into one of our tables, as text."""
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with tables.cursor() as cursor, cursor.copy(statement) as opened:
        for row in rows:
            opened.write_row(row)


def _rows(vectors: Any, start: int, team: Team, within: Sequence[int]) -> Iterator[dict[str, Any]]:
    for at, (vector, collection) in enumerate(zip(vectors, within, strict=True), start=start):
        key = (FIRST + at, FIRST + at, team.pk, collection, KIND, CHANNEL, None, made(at))
        yield dict(zip(tables.COLUMNS, (*key, HalfVector(vector), None, 0, b"-"), strict=True))
