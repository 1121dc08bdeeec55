"""A file on its way, which ends when whoever reads it may not see it any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import IO

import structlog

log = structlog.get_logger()
Still = Callable[[], bool]
CHUNK = 1 << 18
LOOK_SECONDS = 0.5


class RightLost(Exception):
    """The right to a file was lost while it was on its way: what was sent must not look complete."""


class Right:
    """A right that is asked for again twice a second, by whoever sends something for longer."""

    def __init__(self, still: Still) -> None:
        self._still, self._looked = still, time.monotonic()

    def require(self) -> None:
        """Raise RightLost once it is gone."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        if not self._still():
            raise RightLost
        self._looked = time.monotonic()


class Section:
    """A part of a file, or all of it, closed with the response."""

    def __init__(self, opened: IO[bytes], length: int, still: Still | None) -> None:
        self._opened, self._left = opened, length
        self._right = Right(still or (lambda: True))

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (chunk := self._opened.read(min(CHUNK, self._left))):
            try:
                self._right.require()
            except RightLost:
                log.info("file broken off", reason="the right to it was lost")
                raise
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._opened.close()
