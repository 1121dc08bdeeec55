"""How many calls of one process to one provider are under way; more of them wait for their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from searchsite.inference.errors import Busy

AT_ONCE = 16
"""Calls of one process to one provider at the same time; more of them wait."""
STREAMS = 12
"""Of these, answers that are streamed: a search must not wait for them."""


class Slots:
    """How many calls to a provider are under way."""

    def __init__(self, at_once: int = AT_ONCE, streams: int = STREAMS) -> None:
        self._calls = threading.BoundedSemaphore(at_once)
        self._streams = threading.BoundedSemaphore(streams)

    @contextmanager
    def call(self, end: float, name: str) -> Iterator[None]:
        """One call; waits for its turn until the deadline."""
        with _taken(self._calls, end, name):
            yield

    @contextmanager
    def stream(self, end: float, name: str) -> Iterator[None]:
        """One streamed answer."""
        with _taken(self._streams, end, name), _taken(self._calls, end, name):
            yield


@contextmanager
def _taken(slots: threading.BoundedSemaphore, end: float, name: str) -> Iterator[None]:
    if not slots.acquire(timeout=max(end - time.monotonic(), 0)):
        raise Busy(f"too many calls to {name} are under way")
    try:
        yield
    finally:
        slots.release()
