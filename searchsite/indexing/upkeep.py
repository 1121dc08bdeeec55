"""What beat asks for: wake-ups every few seconds, tidying every hour."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.db import Error, OperationalError, connection
from django.db.models.functions import Now

from searchsite import config
from searchsite.accounts import audit, ledger
from searchsite.indexing import calibration, centres, indexes, plan, spaces, standing, tables, uncaptioned
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.jobs import care, overview, queue, wake
from searchsite.jobs.models import Lane
from searchsite.library import duplicates, files, orphans, pictures, trash, uploads
from searchsite.library.models import Item

log = structlog.get_logger()
WAKE_UPS = 2
LOOK_EVERY, IMPROVE_FOR, CALIBRATE_FOR = 20.0, 5.0, 10.0
COMPARE_FOR, CATCH_UP_FOR = 1.0, 3.0
OVERLOOKED_AT_ONCE = 5000
_looked_at = 0.0
# Pictures from before looks were kept; once all have theirs, it is only asked each hour.
_all_have_looks = False


def sweep() -> None:
    """Wake the workers of each queue that has work due, and now and then look after the spaces."""
    try:
        for name in queue.due_queues():
            for _ in range(WAKE_UPS):
                wake.wake(name)
        duplicates.compare(seconds=COMPARE_FOR)
        _look_after_spaces()
    except Error as error:
        log.warning("database is away", error=type(error).__name__)
        connection.close()


def _look_after_spaces() -> None:
    global _looked_at, _all_have_looks
    if time.monotonic() - _looked_at < LOOK_EVERY:
        return
    _looked_at = time.monotonic()
    _all_have_looks = _all_have_looks or duplicates.catch_up(seconds=CATCH_UP_FOR)
    for space in spaces.filling():
        if space.status == SpaceStatus.BUILDING or _is_catching_up(space):
            fill(space)
        centres.improve(space, seconds=IMPROVE_FOR)
        indexes.follow(space)
        if indexes.lacking(space) and not indexes.builds(space):
            wake.have_indexes_built()
        calibration.improve(space, seconds=CALIBRATE_FOR)
        _follow(space)


def _is_catching_up(space: Space) -> bool:
    """Whether it began to answer a short while ago, perhaps with gaps."""
    return Space.objects.filter(pk=space.pk, activated_at__gt=Now() - timedelta(hours=1)).exists()


def _follow(space: Space) -> None:
    try:
        standing.follow(space)
    except InferenceError as error:
        log.info("the configured embedder does not answer", error=error.message)


def tidy() -> None:
    """Throw away what has had its time, and ask again for what was overlooked."""
    care.prune()
    ledger.prune()
    audit.prune()
    trash.purge()
    pictures.purge_expired()
    files.sweep_incoming()
    uploads.purge_expired()
    orphans.sweep(orphans.due(time.time()))
    uncaptioned.resume()
    duplicates.catch_up(seconds=CATCH_UP_FOR)
    for space in spaces.filling():
        fill(space)
    _drop_old_spaces()


def fill(space: Space) -> int:
    """Have embedded what the space lacks, some items at a time; returns how many items are still on their way."""
    where = _places(space)
    on_the_way = overview.open_count(plan.EMBED, where)
    if on_the_way > OVERLOOKED_AT_ONCE // 2:
        return on_the_way
    space_id = space.pk if space.status == SpaceStatus.BUILDING else None
    queue.enqueue([plan.job(plan.EMBED, item, lane=Lane.BULK, space_id=space_id) for item in overlooked(space)])
    return overview.open_count(plan.EMBED, where)


def overlooked(space: Space, *, most: int = OVERLOOKED_AT_ONCE) -> list[Item]:
    """Some items that have a part without a vector, no work ahead of them, and no failure to embed them."""
    where = _places(space)
    ahead, failed = overview.open_for("pk", where), overview.failed_for("pk", kind=plan.EMBED, spaces=where)
    items = Item.objects.filter(~ahead, ~failed).only("id", "team_id").order_by("-id")
    found: list[Item] = []
    before = tables.BEYOND_ALL
    # However many have failed, those before them get their turn.
    while len(found) < most:
        ids = tables.lacking(space.pk, pictures=space.takes_pictures, limit=4 * most, before=before)
        if not ids:
            break
        found += items.filter(pk__in=ids)[: most - len(found)]
        before = ids[-1]
    return found


def _places(space: Space) -> tuple[int | None, ...]:
    """What jobs for the space name: the one that answers need not be named."""
    return (space.pk,) if space.status == SpaceStatus.BUILDING else (None, space.pk)


def _drop_old_spaces() -> None:
    """Nobody goes back any more to spaces that were retired long ago."""
    long_ago = Now() - timedelta(days=config.load().space_kept_days)
    try:
        for space in Space.objects.filter(status=SpaceStatus.RETIRED, retired_at__lt=long_ago):
            spaces.drop(space)
        spaces.sweep_dropped()
    except OperationalError as error:
        log.warning("retired vectors stay for now", error=str(error).strip())
