"""The figures of the admin's first page. Those that cost a scan are kept for some minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from searchsite.library import files
from searchsite.library.models import Blob, named
from searchsite.library.scope import Scope

KEPT_SECONDS = 600
DAYS = 30
# The sizes of so many pictures' derivatives are looked up on the disk; the others' are taken to be alike.
SAMPLED = 60
# `whole`: who leads the house sees every team; others what their scope has.
DAILY = """
SELECT (created_at AT TIME ZONE %(zone)s)::date, kind, count(id) FROM item
WHERE created_at >= %(since)s AND trashed_at IS NULL AND (%(whole)s OR collection_id = ANY(%(collections)s))
GROUP BY 1, 2
"""
STORED = """
SELECT CASE WHEN %(whole)s THEN team.name ELSE collection.name END,
    CASE WHEN %(whole)s THEN '' ELSE collection.purpose END,
    count(item.id), count(item.id) FILTER (WHERE kind <> 'text'), coalesce(sum(blob.size), 0)::bigint
FROM item JOIN collection ON collection.id = item.collection_id JOIN team ON team.id = item.team_id
LEFT JOIN blob ON blob.id = item.blob_id
WHERE %(whole)s OR item.collection_id = ANY(%(collections)s)
GROUP BY 1, 2 ORDER BY 5 DESC, 1
"""
DATABASE = "SELECT CASE WHEN %(whole)s THEN pg_database_size(current_database()) END"


@dataclass(frozen=True)
class Stored:
    """What a team, or one of its collections, takes up. Bytes of derivatives are estimated."""

    name: str
    items: int
    originals: int
    derivatives: int
    purpose: str = ""

    @property
    def shown_name(self) -> str:
        """Its name for people."""
        return named(self.name, self.purpose)


@dataclass(frozen=True)
class Figures:
    """What was counted, and when."""

    at: datetime
    today: date
    daily: Mapping[tuple[date, str], int]
    stored: Sequence[Stored]
    database: int | None

    @property
    def is_fresh(self) -> bool:
        """Whether it was less than a minute ago."""
        return timezone.now() - self.at < timedelta(minutes=1)

    @property
    def items(self) -> int:
        """All items, those in the trash of a team, too, where every team is seen."""
        return sum(one.items for one in self.stored)


def key_of(scope: Scope, *, whole: bool) -> str:
    """People who see the same share what was counted."""
    seen = "all" if whole else hashlib.sha256(repr(scope.collection_ids).encode()).hexdigest()[:32]
    return f"admin-figures:{seen}"


def known(scope: Scope, *, whole: bool) -> Figures:
    """The figures of the last minutes, or new ones."""
    key = key_of(scope, whole=whole)
    found: Figures | None = cache.get(key)
    if found is None:
        found = counted(scope, whole=whole)
        cache.set(key, found, KEPT_SECONDS)
    return found


def forget(scope: Scope, *, whole: bool) -> None:
    """Count anew when next asked."""
    cache.delete(key_of(scope, whole=whole))


def counted(scope: Scope, *, whole: bool) -> Figures:
    """Count; this scans what the person sees."""
    now = timezone.now()
    today = timezone.localdate(now)
    since = now - timedelta(days=DAYS)
    asked: dict[str, Any] = {
        "whole": whole,
        "collections": list(scope.collection_ids),
        "since": since,
        "zone": timezone.get_current_timezone_name(),
    }
    with connection.cursor() as cursor:
        cursor.execute(DAILY, asked)
        daily = {(day, kind): number for day, kind, number in cursor.fetchall()}
        cursor.execute(STORED, asked)
        rows = cursor.fetchall()
        cursor.execute(DATABASE, asked)
        database = cursor.fetchone()[0]
    each = _derived() if any(pictures for _, _, _, pictures, _ in rows) else 0.0
    stored = [
        Stored(name, items, size, round(each * pictures), purpose) for name, purpose, items, pictures, size in rows
    ]
    return Figures(now, today, daily, stored, database)


def _derived() -> float:
    """About how many bytes the derivatives of a picture take, by the newest ones."""
    newest = Blob.objects.filter(media_type__startswith="image/").order_by("-id")[:SAMPLED]
    sizes = [_beside(files.original_path(blob)) for blob in newest]
    return sum(sizes) / len(sizes) if sizes else 0.0


def _beside(original: Path) -> int:
    total = 0
    for path in files.derivative_paths(original):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
