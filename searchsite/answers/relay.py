"""Reads a stream in a thread of its own, so that its reader can look elsewhere while nothing comes."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from django.db import connections

from searchsite.inference.errors import InferenceError
from searchsite.inference.types import Piece

AHEAD = 64
"""Pieces read before anybody wants them."""
END_SECONDS = 1.0
Heard = Piece | InferenceError | None
"""A piece, what went wrong, or nothing yet."""
Opening = Callable[[threading.Event], AbstractContextManager[Iterator[Piece]]]


class Relay:
    """One stream on its way. `opened` begins it, and ends it soon after the event that it is given is set."""

    def __init__(self, opened: Opening) -> None:
        self._opened = opened
        self._stop = threading.Event()
        self._pieces: queue.Queue[Heard] = queue.Queue(AHEAD)
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._read,), name="answer", daemon=True
        )

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(END_SECONDS)

    def wait(self, seconds: float) -> Heard:
        """The next piece or error, or None when none came for so long."""
        try:
            return self._pieces.get(timeout=seconds)
        except queue.Empty:
            return None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return not self._thread.is_alive() and self._pieces.empty()

    def _read(self) -> None:
        try:
            with self._opened(self._stop) as pieces:
                for piece in pieces:
                    self._give(piece)
                    if self._stop.is_set():
                        return
        except InferenceError as error:
            self._give(error)
        finally:
            # The meter wrote through a connection of this thread, which ends here.
            connections.close_all()

    def _give(self, heard: Heard) -> None:
        while not self._stop.is_set():
            try:
                return self._pieces.put(heard, timeout=0.2)
            except queue.Full:
                continue
