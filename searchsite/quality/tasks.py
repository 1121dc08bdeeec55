"""Celery's door to this room. A lost message costs nothing: the next comes within the hour."""

from __future__ import annotations

from searchsite.celery import app
from searchsite.quality import recall, upkeep


@app.task  # type: ignore[untyped-decorator]
def tend() -> None:
    """Measure what is due, and forget what has had its time."""
    upkeep.tend()


@app.task  # type: ignore[untyped-decorator]
def measure_recall() -> None:
    """Compare what is found with what is truly nearest; takes a minute for each space."""
    recall.tend()
