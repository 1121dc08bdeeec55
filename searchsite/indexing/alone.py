"""Work for a space that one process of the house does at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection

from searchsite.indexing.models import Space


class Work(IntEnum):
    """Tells these uses of advisory locks from each other, and from all others."""

    INDEXES = 0x5EA5
    CALIBRATION = 0x5EA6


@contextmanager
def alone(work: Work, space: Space) -> Iterator[bool]:
    """Whether this process is the one that does it. The connection holds the lock: who dies lets go of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [work, space.pk])
        first = cursor.fetchone()[0]
    try:
        yield first
    finally:
        if first:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [work, space.pk])
