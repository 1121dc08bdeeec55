"""Empties the database after a test that committed: what Django does for it takes twenty times as long.

Django truncates every table, which makes files for each and its indexes anew, and then writes all permissions again.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

KEPT = {"django_content_type", "auth_permission"}
"""What migrations wrote, and no test changes."""
CACHES = {cache["LOCATION"] for cache in settings.CACHES.values()}
LARGE = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s) AND (reltuples > 0 OR pg_relation_size(oid) > 262144)
"""
"""Rows that are deleted stay in the files, and in what the planner knows: of many, that would be felt."""


def quickly() -> None:
    """From now on tests that commit end so."""
    TransactionTestCase._fixture_teardown = lambda _case: empty()  # type: ignore[method-assign]


def empty() -> None:
    """Leave no row, whatever triggers and foreign keys say."""
    names: Any = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) | CACHES
    names -= KEPT
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        # What says so in each transaction may forget, and nobody else.
        cursor.execute("SET LOCAL searchsite.audit_retention = 'on'")
        cursor.execute(LARGE, [list(names)])
        large = {name for (name,) in cursor.fetchall()} - {"audit_entry"}
        if large:
            cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(map(sql.Identifier, large))))
        small = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in names - large]
        cursor.execute(sql.SQL("; ").join(small))
