"""What beat asks for: wake-ups every few seconds, tidying every hour."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from searchsite.indexing import plan, spaces, tables, uncaptioned
from searchsite.indexing.models import Space
from searchsite.jobs import care, overview, queue, wake
from searchsite.jobs.models import Lane
from searchsite.library import files, orphans, pictures, trash
from searchsite.library.models import Item

log = structlog.get_logger()
WAKE_UPS = 2
IMPROVE_EVERY, IMPROVE_FOR = 20.0, 5.0
OVERLOOKED_AT_ONCE = 5000
GOING_BACK = timedelta(days=1)
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
    uncaptioned.fill()
    space = spaces.active()
    if space is not None and not fill(space):
        _drop_retired(space)


def fill(space: Space) -> int:
    """Have embedded what the space lacks, some items at a time; returns how many items are still on their way."""
    on_the_way = overview.open_count(plan.EMBED)
    if on_the_way > OVERLOOKED_AT_ONCE // 2:
        return on_the_way
    queue.enqueue([plan.job(plan.EMBED, item, lane=Lane.BULK) for item in overlooked(space)])
    return overview.open_count(plan.EMBED)


def _drop_retired(space: Space) -> None:
    """A day after a full space was made, nobody goes back to the one before it."""
    if space.created_at > timezone.now() - GOING_BACK:
        return
    try:
        spaces.drop_retired()
    except OperationalError as error:
        log.warning("retired vectors stay for now", error=str(error).strip())


def overlooked(space: Space) -> list[Item]:
    """Some items that have a part without a vector, no work ahead of them, and no failure to embed them."""
    ids = tables.lacking(space.pk, pictures=space.takes_pictures, limit=4 * OVERLOOKED_AT_ONCE)
    items = Item.objects.filter(~overview.open_for("pk"), ~overview.failed_for("pk", kind=plan.EMBED), pk__in=ids)
    return list(items.only("id", "team_id")[:OVERLOOKED_AT_ONCE])
