"""Celery's doors to this room. Messages carry no work: losing, doubling or reordering them does no harm."""

from __future__ import annotations

import time

from searchsite.celery import app
from searchsite.indexing import indexes, spaces, upkeep, worker

AT_LEAST_APART = 1.0
_swept_at = 0.0


@app.task  # type: ignore[untyped-decorator]
def work(queue: str) -> None:
    """Work through a queue for a while."""
    worker.work(queue)


@app.task  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Wake the workers of queues that have work due, whatever became of earlier wake-ups.

    Of many that waited for a worker, one is enough.
    """
    global _swept_at
    if time.monotonic() - _swept_at > AT_LEAST_APART:
        _swept_at = time.monotonic()
        upkeep.sweep()


@app.task  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Throw away what has had its time, and ask again for what was overlooked."""
    upkeep.tidy()


@app.task  # type: ignore[untyped-decorator]
def build_indexes() -> None:
    """Build the graphs that spaces lack; takes seconds to hours, and returns at once where another process does."""
    for space in spaces.filling():
        indexes.build(space)
