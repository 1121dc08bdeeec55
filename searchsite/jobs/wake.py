"""Wake-ups: they carry no ids and may be lost or doubled, since the sweep sends more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from searchsite.celery import app

log = structlog.get_logger()
# A wake-up that waited longer than this is of no use: the sweep came by meanwhile. Its worker reads that from a clock
# of its own, which may be wrong by an hour: then it would never hear one.
STALE_AFTER = 30 + settings.CLOCK_LEEWAY
# A wake-up costs CPU in sender, broker and worker. Of many in a row the first goes out at once, the others as one.
EVERY_SECONDS = 0.2


class _Bell:
    """Which wake-ups went out of late, and which are about to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent_until: dict[str, float] = {}
        self._coming: set[str] = set()

    def ring(self, queue: str) -> None:
        with self._lock:
            if queue in self._coming:
                return
            wait = self._silent_until.get(queue, 0.0) - time.monotonic()
            if wait > 0:
                self._coming.add(queue)
            else:
                self._silent_until[queue] = time.monotonic() + EVERY_SECONDS
        if wait > 0:
            threading.Timer(wait, self._ring_late, [queue]).start()
        else:
            wake(queue)

    def _ring_late(self, queue: str) -> None:
        # Before the wake-up is sent: work that is committed from here on asks for another.
        with self._lock:
            self._coming.discard(queue)
            self._silent_until[queue] = time.monotonic() + EVERY_SECONDS
        wake(queue)


_bell = _Bell()


def wake(queue: str) -> bool:
    """Ask the workers of a queue to look at the table. Returns False when the broker is away."""
    return _send(settings.JOB_TASK, [queue], queue)


def have_indexes_built() -> bool:
    """Ask for a look at which indexes are to be built. Returns False when the broker is away."""
    return _send(settings.INDEX_TASK, [], settings.INDEX_QUEUE)


def _send(task: str, arguments: list[str], queue: str) -> bool:
    try:
        app.send_task(task, args=arguments, queue=queue, expires=STALE_AFTER, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker is away; the sweep will find the work", queue=queue, error=type(error).__name__)
        return False
    return True


def wake_on_commit(queues: Iterable[str]) -> None:
    """Have each queue woken once the surrounding transaction has committed: at once, or a moment after the last."""
    for queue in set(queues):
        transaction.on_commit(partial(_ring, queue))


def _ring(queue: str) -> None:
    _bell.ring(queue)


def _forget() -> None:
    """In a forked child: the threads that were about to ring are not there."""
    global _bell
    _bell = _Bell()


os.register_at_fork(after_in_child=_forget)
