"""Settings of Postgres that hold for a part of a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def locally(name: str, value: str) -> Iterator[None]:
    """Within a transaction, a setting that is as it was afterwards; after an error the rollback sees to that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
        cursor.execute("SELECT set_config(%s, %s, true)", [name, before])
