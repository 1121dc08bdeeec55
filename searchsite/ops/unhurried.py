"""Statements that may take as long as they take: migrations, and what goes through whole tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from searchsite import config as configuration

READ = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
SET = "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)"


@contextmanager
def unhurried(on: BaseDatabaseWrapper | None = None) -> Iterator[None]:
    """Lift the limit of a statement on a connection; it waits as long as that for locks, since others queue behind."""
    chosen = on or connection
    patience = f"{configuration.load().worker_statement_seconds * 1000:.0f}ms"
    with chosen.cursor() as cursor:
        cursor.execute(READ)
        before = cursor.fetchone()
        cursor.execute(SET, ["0", patience])
    yield
    with chosen.cursor() as cursor:
        cursor.execute(SET, before)
