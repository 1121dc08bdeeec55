"""Settings of Postgres that hold for a part of a transaction, or for one statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

from django.db import connection

WALKING: LiteralString = """(
    SELECT set_config('hnsw.ef_search', %(candidates)s::text, true)
        || set_config('hnsw.iterative_scan', 'relaxed_order', true)
) <> ''"""
"""A condition that sets how a graph is walked; Postgres looks at it once, before the first row."""


@contextmanager
def locally(name: str, value: str) -> Iterator[None]:
    """Within a transaction, a setting that is as it was afterwards; after an error the rollback sees to that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
        cursor.execute("SELECT set_config(%s, %s, true)", [name, before])
