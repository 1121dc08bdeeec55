"""Keeps the leases of a batch alive while its worker is at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from django.db import Error, connection

from searchsite.jobs import queue
from searchsite.jobs.queue import Claim

log = structlog.get_logger()


@contextmanager
def held(claims: Sequence[Claim], *, lease: float = queue.LEASE_SECONDS) -> Iterator[None]:
    """Renew the leases every third of their length until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(claims, lease, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=lease)


def _beat(claims: Sequence[Claim], lease: float, stop: threading.Event) -> None:
    try:
        while not stop.wait(lease / 3):
            try:
                queue.heartbeat(claims, lease=lease)
            except Error as error:
                # The lease may run out: the fencing token then keeps the late result out.
                log.warning("heartbeat missed", error=type(error).__name__)
                connection.close()
    finally:
        connection.close()
