"""Which way a search takes to the nearest vectors, by how many there are that may be seen. Nothing here changes what
may be found, only what it costs: a wrong count makes a search slower, and leaves no hit out.

| visible vectors | way | cost on one core |
|---|---|---|
| no mean yet, or few items to look among | exact: each is compared | 1 to 5 us each |
| up to 25,000, or no graph | codes of all, then the nearest exactly: all, up to 1,000 | 0.1 to 0.5 us each |
| more, or half of the channel | a walk, then the nearest exactly; codes where that finds too little | 1 to 6 ms |
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from searchsite.indexing import centres, indexes, tables
from searchsite.indexing.models import Space
from searchsite.search.bounds import VECTOR, Bounds

EXACT_UP_TO = 1_000
CODES_UP_TO, LARGE_SHARE = 25_000, 0.5
# An estimate costs half as much as a walk, and a person's questions come one after the other within the same bounds.
KEPT_SECONDS, KEPT = 10.0, 1000
VISIBLE: LiteralString = "SELECT FROM {table} AS v WHERE v.channel = %(channel)s AND <bounds>"


class Way(Enum):
    """How the nearest are found."""

    EXACT = "exact"
    CODES = "codes"
    GRAPH = "graph"


def way_to(space: Space, channel: str, bounds: Bounds) -> Way:
    """Choose the way within these bounds."""
    centre = centres.centre_of(space, channel)
    if centre is None or not centre.versions:
        return Way.EXACT
    # Passages of a long text are more than their items, but an item has few on the average.
    most = None if bounds.only is None else 2 * len(bounds.only)
    if most is not None and most <= EXACT_UP_TO:
        return Way.EXACT
    if indexes.is_ready(space, channel):
        visible = min(_estimated(space, channel, bounds), most or tables.BEYOND_ALL)
        if visible > CODES_UP_TO or visible > LARGE_SHARE * _size(space, channel, _now()):
            return Way.GRAPH
    return Way.CODES


def _estimated(space: Space, channel: str, bounds: Bounds) -> int:
    """About how many vectors may be seen, by Postgres' own statistics: 0.5 ms, for the same bounds now and then."""
    within = replace(bounds, until=None)
    return _kept(space, channel, within, _now()) if bounds.come_again else _visible(space, channel, within)


def _now() -> int:
    return int(time.monotonic() / KEPT_SECONDS)


@lru_cache(KEPT)
def _kept(space: Space, channel: str, bounds: Bounds, _moment: int) -> int:
    return _visible(space, channel, bounds)


@lru_cache(KEPT)
def _size(space: Space, channel: str, _moment: int) -> int:
    return indexes.estimated(space, channel)


def _visible(space: Space, channel: str, bounds: Bounds) -> int:
    return tables.expected(_within(VISIBLE, space, bounds), bounds.values | {"channel": channel})


def _within(statement: LiteralString, space: Space, bounds: Bounds) -> sql.Composed:
    return tables.query(statement.replace("<bounds>", bounds.conditions(VECTOR)), space.pk)
