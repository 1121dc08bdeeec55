"""Celery's doors to this room. Messages carry no work: losing, doubling or reordering them does no harm."""

from __future__ import annotations

from searchsite.celery import app
from searchsite.indexing import indexes, spaces, upkeep, worker


@app.task  # type: ignore[untyped-decorator]
def work(queue: str) -> None:
    """Work through a queue for a while."""
    worker.work(queue)


@app.task  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Wake the workers of queues that have work due, whatever became of earlier wake-ups."""
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
