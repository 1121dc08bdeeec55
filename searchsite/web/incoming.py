"""The body of a request as it comes in. While nothing comes, its desk is another's; who sends too slowly is cut off."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from typing import Any, Protocol

from django.db import DEFAULT_DB_ALIAS, connections

PIECE, AHEAD = 16 << 10, 4
MOMENT_SECONDS = 0.05
"""What comes within a moment is worth no change of desks."""
WINDOW_SECONDS, LEAST_BYTES = 30.0, 64 << 10
"""A body that is not through brings at least so much in each such time."""
BODIES, OF_ONE_ADDRESS = 64, 32
"""How many bodies are waited for at a time, and how many of them from one address."""
BACK_SECONDS = 20.0
SLOW, BUSY = "searchsite.slow", "searchsite.busy"


class Desk(Protocol):
    """Where a request is worked on."""

    def sit(self, seconds: float) -> bool:
        """Take it."""

    def leave(self) -> None:
        """Give it away."""


class Late(OSError):
    """The rest of the body is not waited for."""


class Incoming:
    """Reads the server's body in a thread of its own, from the first time on that somebody wants it."""

    def __init__(self, environ: dict[str, Any], desk: Desk) -> None:
        self._environ, self._desk = environ, desk
        self._source = environ["wsgi.input"]
        self._pieces: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._left = b""
        self._over = self._begun = False
        self._stopped = threading.Event()
        self._since, self._got = 0.0, 0
        self.at_desk = True

    def read(self, size: int = -1) -> bytes:
        """That many bytes, fewer only at the end. Raises Late."""
        taken, number = [self._left], len(self._left)
        while (size < 0 or number < size) and (piece := self._next()):
            taken.append(piece)
            number += len(piece)
        whole = b"".join(taken)
        cut = len(whole) if size < 0 else size
        self._left = whole[cut:]
        return whole[:cut]

    def readline(self, size: int = -1) -> bytes:
        """A line. Raises Late."""
        while (end := self._left.find(b"\n") + 1) == 0 and (piece := self._next()):
            self._left += piece
        cut = min(end or len(self._left), size if size >= 0 else len(self._left))
        line, self._left = self._left[:cut], self._left[cut:]
        return line

    def stop(self) -> None:
        """Nobody wants the rest."""
        self._stopped.set()

    def _next(self) -> bytes:
        if self._over:
            return b""
        if not self._begun:
            self._begun, self._since = True, time.monotonic()
            threading.Thread(target=self._fetch, name="body", daemon=True).start()
        try:
            piece = self._pieces.get(timeout=MOMENT_SECONDS)
        except queue.Empty:
            piece = self._waited_for()
        self._over = not piece
        self._count(len(piece))
        return piece

    def _waited_for(self) -> bytes:
        address = str(self._environ.get("REMOTE_ADDR", ""))
        if not _waits.begin(address):
            self._environ[BUSY] = True
            raise Late
        # In the midst of a transaction the connection, and so the desk, is still needed.
        away = self.at_desk and not connections[DEFAULT_DB_ALIAS].in_atomic_block
        try:
            if away:
                self._desk.leave()
                self.at_desk = False
            return self._pieces.get(timeout=max(0.0, self._since + WINDOW_SECONDS - time.monotonic()))
        except queue.Empty:
            self._environ[SLOW] = True
            raise Late from None
        finally:
            _waits.end(address)
            if away:
                self._come_back()

    def _come_back(self) -> None:
        self.at_desk = self._desk.sit(BACK_SECONDS)
        if not self.at_desk:
            self._environ[BUSY] = True
            raise Late

    def _count(self, number: int) -> None:
        """Begin a new window once enough has come; a body that brought too little in one is cut off."""
        now = time.monotonic()
        self._got += number
        if self._got >= LEAST_BYTES:
            self._since, self._got = now, 0
        elif now - self._since >= WINDOW_SECONDS and not self._over:
            self._environ[SLOW] = True
            raise Late

    def _fetch(self) -> None:
        while not self._stopped.is_set():
            try:
                piece = self._source.read(PIECE)
            except Exception:  # noqa: BLE001  # whatever the server raises, there is no more
                piece = b""
            self._give(piece)
            if not piece:
                return

    def _give(self, piece: bytes) -> None:
        while not self._stopped.is_set():
            try:
                return self._pieces.put(piece, timeout=0.5)
            except queue.Full:
                continue


class _Waits:
    """Which bodies are waited for, by address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()

    def begin(self, address: str) -> bool:
        with self._lock:
            if self._of.total() >= BODIES or self._of[address] >= OF_ONE_ADDRESS:
                return False
            self._of[address] += 1
        return True

    def end(self, address: str) -> None:
        with self._lock:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]


_waits = _Waits()
