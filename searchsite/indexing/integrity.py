"""Whether items, vectors and jobs agree: what was never made or has gone, and what is left of what has gone."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from searchsite.indexing import missing, tables
from searchsite.library.models import Item

# Nothing ends such a job: no lease runs out.
WITHOUT_LEASE = "state = 'running' AND lease_until IS NULL"


def lacking(kind: str) -> Iterator[Item]:
    """The items that lack what a stage makes, with nobody at it and no failure that says why."""
    return (item for item, how in missing.lacking(kind) if how == missing.MISSING)


def stray_vectors() -> list[tuple[int, int, int]]:
    """The space, item and part of each vector that belongs to nothing, or is filed wrongly."""
    return [(space_id, *pair) for space_id in tables.present() for pair in tables.stray(space_id)]


def drop_stray_vectors() -> int:
    """Delete them; an item that lacks one then is embedded again. Returns how many."""
    return sum(map(tables.drop_stray, tables.present()))


def stuck_jobs() -> list[int]:
    """Jobs that are said to run and that nobody can ever take over."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM job WHERE {WITHOUT_LEASE} ORDER BY id")
        return [pk for (pk,) in cursor.fetchall()]


def free_stuck_jobs() -> int:
    """Hand them out again; what a late worker brings ends at the fence. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE job SET state = 'ready', token = token + 1 WHERE {WITHOUT_LEASE}")
        return int(cursor.rowcount)
