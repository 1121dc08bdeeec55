"""The body of a request as it comes in: while nothing comes, its desk is another's.

The server blocks a thread until something comes, without end, and no other thread may answer meanwhile. So a thread
beside looks after those that read: it lends their desks, and tells `searchsite.web.watchdog` who is overdue.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from searchsite.accounts import rates
from searchsite.limits import BODIES
from searchsite.web import proxies

PIECE = 16 << 10
MOMENT_SECONDS = 0.05
"""What comes within a moment is worth no change of desks."""
LEAST_BYTES = 64 << 10
"""A body that is not through brings at least so much in CLIENT_SECONDS."""
OF_ONE_ADDRESS = 48
"""How many of BODIES come from one address: sixteen people of one network send three files each."""
BACK_SECONDS = 20.0
SLOW, BUSY = "searchsite.slow", "searchsite.busy"


class Desk(Protocol):
    """Where requests are worked on."""

    def sit(self, seconds: float) -> bool:
        """Take a place, for this thread."""

    def give(self, held: BaseDatabaseWrapper) -> None:
        """Give a place away, with its connection."""


class Late(OSError):
    """The rest of the body is not waited for."""


@dataclass(frozen=True)
class Overdue:
    """A body that does not come on as it has to. peer: at the other end of its connection, be it a proxy.

    heard: when the last of it came. long: it should have been cut off some time ago.
    """

    peer: str
    heard: float
    long: bool


class Incoming:
    """Reads the server's body piece by piece."""

    def __init__(self, environ: dict[str, Any], desk: Desk) -> None:
        self.address = rates.address_of(proxies.address_in(environ))
        self.peer = str(environ.get("REMOTE_ADDR", ""))
        self.at_desk, self.lent = True, False
        self.desk, self.connection = desk, connections[DEFAULT_DB_ALIAS]
        self.since = self._window = 0.0
        self.heard = time.monotonic()
        self._environ, self._source = environ, environ["wsgi.input"]
        self._left, self._got, self._over = b"", 0, False

    def read(self, size: int = -1) -> bytes:
        """That many bytes, fewer only at the end. Raises Late."""
        taken, number = [self._left], len(self._left)
        while (size < 0 or number < size) and (piece := self._next(size - number if size >= 0 else PIECE)):
            taken.append(piece)
            number += len(piece)
        whole = b"".join(taken)
        cut = len(whole) if size < 0 else size
        self._left = whole[cut:]
        return whole[:cut]

    def readline(self, size: int = -1) -> bytes:
        """A line. Raises Late."""
        while (end := self._left.find(b"\n") + 1) == 0 and (piece := self._next(PIECE)):
            self._left += piece
        cut = min(end or len(self._left), size if size >= 0 else len(self._left))
        line, self._left = self._left[:cut], self._left[cut:]
        return line

    @property
    def overdue(self) -> bool:
        """Whether less came than had to, in its time."""
        return self._waited >= settings.CONFIG.client_seconds

    @property
    def state(self) -> Overdue:
        """What is known of it, once it is overdue."""
        return Overdue(self.peer, self.heard, self._waited >= 2 * settings.CONFIG.client_seconds)

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._window

    def _next(self, size: int) -> bytes:
        if self._over:
            return b""
        self._window = self._window or time.monotonic()
        self.connection = connections[DEFAULT_DB_ALIAS]
        if not _readers.begin(self):
            self._environ[BUSY] = True
            raise Late
        try:
            piece: bytes = self._source.read(min(size, PIECE))
        finally:
            self.heard = time.monotonic()
            lent = _readers.end(self)
            if lent:
                self._come_back()
        self._over = not piece
        self._count(len(piece))
        return piece

    def _come_back(self) -> None:
        del connections[DEFAULT_DB_ALIAS]
        began = time.monotonic()
        self.at_desk = self.desk.sit(BACK_SECONDS)
        # It was not the client that took so long.
        self._window += time.monotonic() - began
        if not self.at_desk:
            self._environ[BUSY] = True
            raise Late

    def _count(self, number: int) -> None:
        """Begin a new window once enough has come; a body that brought too little in one is not read on."""
        self._got += number
        if self._got >= LEAST_BYTES:
            self._window, self._got = time.monotonic(), 0
        elif self.overdue:
            self._environ[SLOW] = True
            raise Late


class _Readers:
    """The bodies that a thread reads from just now; of those that take longer than a moment the desks are lent.

    Each counts from its first moment: those whose desks are not lent yet will soon hold a thread of their own, too.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading: set[Incoming] = set()
        self._of = Counter[str]()
        self._looking = False

    def begin(self, one: Incoming) -> bool:
        """Note that it reads. False: too many are waited for."""
        with self._changed:
            if len(self._reading) >= BODIES or self._of[one.address] >= OF_ONE_ADDRESS:
                return False
            one.since = time.monotonic()
            self._reading.add(one)
            self._of[one.address] += 1
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look_after, name="bodies", daemon=True).start()
            self._changed.notify()
        return True

    def end(self, one: Incoming) -> bool:
        """Note that something came. True: the desk was lent meanwhile."""
        with self._changed:
            self._reading.discard(one)
            self._of[one.address] -= 1
            if not self._of[one.address]:
                del self._of[one.address]
            lent, one.lent = one.lent, False
            return lent

    def overdue(self) -> list[Overdue]:
        with self._changed:
            return [one.state for one in self._reading if one.overdue]

    def _look_after(self) -> None:
        while True:
            with self._changed:
                while not self._reading:
                    self._changed.wait()
                latest = time.monotonic() - MOMENT_SECONDS
                for one in self._reading:
                    # In the midst of a transaction the connection, and so the desk, is still needed.
                    if not one.lent and one.at_desk and one.since < latest and not one.connection.in_atomic_block:
                        one.lent = True
                        one.desk.give(one.connection)
            time.sleep(MOMENT_SECONDS)


_readers = _Readers()


def is_cut(environ: dict[str, Any]) -> bool:
    """Whether the body of this request did not come, or is not read: nothing may be done with what there is of it."""
    return BUSY in environ or SLOW in environ


def overdue() -> list[Overdue]:
    """The bodies that do not come on as they have to."""
    return _readers.overdue()
