"""What beat asks for: wake-ups every few seconds, tidying every hour."""

from __future__ import annotations

import time

import structlog
from django.db import DatabaseError, connection

from searchsite.indexing import plan, spaces, tables
from searchsite.indexing.models import Space
from searchsite.jobs import care, overview, queue, wake
from searchsite.jobs.models import Lane
from searchsite.library import files, orphans, pictures, trash
from searchsite.library.models import Item

log = structlog.get_logger()
WAKE_UPS = 2
IMPROVE_EVERY, IMPROVE_FOR = 20.0, 5.0
OVERLOOKED_AT_ONCE = 5000
_improved_at = 0.0


def sweep() -> None:
    """Wake the workers of each queue that has work due, and now and then look after the codes."""
    try:
        for name in queue.due_queues():
            for _ in range(WAKE_UPS):
                wake.wake(name)
        _improve_codes()
    except DatabaseError as error:
        log.warning("database is away", error=type(error).__name__)
        connection.close()


def _improve_codes() -> None:
    global _improved_at
    if time.monotonic() - _improved_at < IMPROVE_EVERY:
        return
    _improved_at = time.monotonic()
    space = spaces.active()
    if space is not None:
        spaces.improve(space, seconds=IMPROVE_FOR)


def tidy() -> None:
    """Throw away what has had its time, and ask again for what was overlooked."""
    care.prune()
    trash.purge()
    pictures.purge_expired()
    files.sweep_incoming()
    orphans.sweep(orphans.due(time.time()))
    space = spaces.active()
    if space is not None:
        queue.enqueue([plan.job(plan.EMBED, item, lane=Lane.BULK) for item in overlooked(space)])


def overlooked(space: Space) -> list[Item]:
    """Some items that have a part without a vector, no work ahead of them, and no failure to show."""
    ids = tables.lacking(space.pk, pictures=space.takes_pictures, limit=4 * OVERLOOKED_AT_ONCE)
    items = Item.objects.filter(~overview.open_for("pk"), ~overview.failed_for("pk"), pk__in=ids)
    return list(items.only("id", "team_id")[:OVERLOOKED_AT_ONCE])
