"""Waits until what was put in has been worked through."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from searchsite.indexing import stages
from searchsite.library.models import Item
from searchsite.ops.ingesting import Stop

EVERY_SECONDS = 1.0


def left(items: Sequence[int], *, stop: Stop) -> Iterator[int]:
    """Yield every second how many of the items still have work ahead of them, until none has or somebody stops it."""
    while not stop.asked:
        number = stages.having(Item.objects.filter(pk__in=items), stages.PROCESSING).count()
        yield number
        if not number:
            return
        time.sleep(EVERY_SECONDS)


def failed(items: Sequence[int]) -> list[str]:
    """Which of the items failed, and at what."""
    found = list(stages.having(Item.objects.filter(pk__in=items), "failed").order_by("pk"))
    progress = stages.status_of(found)
    return [f"{item.title}: {_reason(progress[item.pk])}" for item in found]


def _reason(progress: stages.Progress) -> str:
    states = (stages.FAILED, stages.CANCELLED)
    return " ".join(
        f"{name}: {view.error or view.state}" for name, view in progress.stages.items() if view.state in states
    )
