"""What a client knows of its embedder, and for how long it believes that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from searchsite.inference import offers
from searchsite.inference.calling import PATIENT, Line
from searchsite.inference.errors import InferenceError, NotOffered, TooSlow, Unreachable
from searchsite.inference.offers import Known

INFO_SECONDS = 60.0
"""How long what a server said about itself is believed."""


@contextmanager
def nobodys_fault() -> Iterator[None]:
    """No input is to blame for what goes wrong before one is sent. The error stays what it is: it tells what to do."""
    try:
        yield
    except TooSlow as error:
        raise Unreachable(error.message, retry_after=error.retry_after) from error
    except InferenceError as error:
        error.shared = not isinstance(error, NotOffered)
        raise


def reads(line: Line, end: float) -> bool:
    """Whether the server of a line says that it reads, by `end` (monotonic time)."""
    with nobodys_fault():
        known = offers.listed(line, end=end, patience=PATIENT)
    return known.info is not None and known.info.reads


class Knowledge:
    """What the server of one line says of its embedder. Thread-safe: one asks, the others wait for the answer."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._asking = threading.Lock()
        self._kept: tuple[float, Known] | None = None

    def get(self, end: float) -> Known:
        """What is known of it, asked anew once a minute, by `end` (monotonic time)."""
        fresh = self._fresh()
        if fresh is not None:
            return fresh
        # Whoever waits for another's answer has a deadline, too.
        if not self._asking.acquire(timeout=max(end - time.monotonic(), 0)):
            raise Unreachable(f"{self._line.endpoint.name} was too slow to say what it embeds with")
        try:
            known = self._fresh() or self._learned(end)
        finally:
            self._asking.release()
        return known

    def doubt(self) -> None:
        """Ask anew next time: perhaps another embedder serves there now."""
        self._kept = None

    def _fresh(self) -> Known | None:
        kept = self._kept
        return kept[1] if kept is not None and time.monotonic() < kept[0] else None

    def _learned(self, end: float) -> Known:
        """What the server says."""
        earlier = self._kept[1] if self._kept else None
        with nobodys_fault():
            known = offers.learn(self._line, end=end, patience=PATIENT, earlier=earlier)
        self._kept = (time.monotonic() + INFO_SECONDS, known)
        return known
