"""Wake-ups: they carry no ids and may be lost or doubled, since the sweep sends more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from searchsite.celery import app

log = structlog.get_logger()
# A wake-up that waited longer than this is of no use: the sweep came by meanwhile.
STALE_AFTER = 30


def wake(queue: str) -> bool:
    """Ask the workers of a queue to look at the table. Returns False when the broker is away."""
    try:
        app.send_task(settings.JOB_TASK, args=[queue], queue=queue, expires=STALE_AFTER, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker is away; the sweep will find the work", queue=queue, error=type(error).__name__)
        return False
    return True


def wake_on_commit(queues: Iterable[str]) -> None:
    """Send a wake-up for each queue once the surrounding transaction has committed."""
    for queue in set(queues):
        transaction.on_commit(partial(wake, queue))
