"""Closes connections whose client sends or takes too slowly, or not at all: each would keep a thread for ever.

The web server has no limit of its own for that, and hands its connections to nobody; so they are looked at from
outside, by the numbers that the kernel keeps of each. Where it keeps none (not Linux), nothing is closed.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from searchsite.web import incoming
from searchsite.web.incoming import Overdue

log = structlog.get_logger()
EVERY_SECONDS = 5.0
LEAST_RATE = 8 << 10
"""Bytes a second that a client takes over a window, as long as more than a little is held up."""
LITTLE = 4 << 10
"""Unsent bytes that say nothing: an answer being written has some while the last of it is on its way."""
ABOUT_SECONDS = 5.0
"""What was read of a body came that long before, at most, but for a machine that stands still."""
DESCRIPTORS = Path("/proc/self/fd")
# Of struct tcp_info: tcpi_last_data_sent, _last_data_recv, _bytes_acked, _bytes_received, _notsent_bytes.
TOLD = struct.Struct("=44xI4xI64xQQ8xI")


@dataclass(frozen=True)
class Numbers:
    """What the kernel counts of a connection: bytes to be taken, of these not sent yet; taken and received.

    spoke, heard: how many seconds ago it was sent something last, and something came from it.
    """

    waiting: int
    unsent: int
    taken: int
    received: int
    spoke: float
    heard: float

    @property
    def rests(self) -> bool:
        """Whether it was answered, and has asked for nothing since."""
        return not self.waiting and self.taken > 1 and self.spoke <= self.heard

    @property
    def silent(self) -> float:
        """For how many seconds neither side has said anything."""
        return min(self.heard, self.spoke)


@dataclass
class Seen:
    """How a connection stood at the begin of its window; whether it had something to take, and much, ever since."""

    numbers: Numbers
    since: float
    sending: bool = True
    held_up: bool = True

    def look(self, now: Numbers) -> None:
        """Note how it stands in the midst of it."""
        self.sending = self.sending and now.waiting > 0
        self.held_up = self.held_up and now.unsent >= LITTLE

    def takes_slowly(self, now: Numbers, seconds: float) -> bool:
        """Whether it took nothing, or little while much was held up. What is on its way to it counts for neither."""
        taken = now.taken - self.numbers.taken
        return self.sending and (not taken or (self.held_up and taken < LEAST_RATE * seconds))

    def is_quiet(self, now: Numbers) -> bool:
        """Whether it was sent nothing and sent little: its body is waited for, or it waits for its answer."""
        few = now.received - self.numbers.received < incoming.LEAST_BYTES
        return few and now.taken == self.numbers.taken and not now.waiting


@dataclass(frozen=True)
class Quiet:
    """A connection that may be the one of a body that is overdue. heard: when something came from it."""

    connection: socket.socket
    peer: str
    heard: float


class Watchdog:
    """Remembers the connections of this process."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: dict[int, Seen] = {}

    def look(self, now: float, overdue: Collection[Overdue] = ()) -> int:
        """Close what is too slow; return how many. overdue: the bodies that do not come as they have to."""
        seen, closed, quiet = dict[int, Seen](), 0, list[Quiet]()
        with ExitStack() as kept:
            for key, connection in connections():
                with ExitStack() as held, suppress(OSError):
                    held.enter_context(connection)
                    numbers = numbers_of(connection)
                    before = self._seen.get(key)
                    seen[key] = before = Seen(numbers, now) if before is None or numbers.rests else before
                    before.look(numbers)
                    if now - before.since < self._window:
                        continue
                    if before.is_quiet(numbers):
                        quiet.append(Quiet(connection, connection.getpeername()[0], now - numbers.heard))
                        kept.push(held.pop_all())
                        continue
                    if before.takes_slowly(numbers, now - before.since):
                        closed += close(connection, "it takes too slowly")
                    seen[key] = Seen(numbers, now)
            closed += sum(close(one.connection, "it sends too slowly") for one in _late(quiet, overdue))
        self._seen = seen
        return closed


def _late(quiet: list[Quiet], overdue: Collection[Overdue]) -> Iterator[Quiet]:
    """For each body the one connection that it most likely comes by: the server does not say which it is."""
    for body in overdue:

        def apart(one: Quiet, heard: float = body.heard) -> float:
            return abs(one.heard - heard)

        possible = (one for one in quiet if one.peer == body.peer and (body.long or apart(one) < ABOUT_SECONDS))
        if (found := min(possible, key=apart, default=None)) is not None:
            quiet.remove(found)
            yield found


def close(connection: socket.socket, reason: str) -> int:
    """Close it; return how many were closed by that."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
        log.info("connection closed", reason=reason)
        return 1
    return 0


def watch(window: float) -> None:
    """Look after the connections of this process for as long as it lives."""
    if DESCRIPTORS.exists():
        threading.Thread(target=_keep_looking, args=(window,), name="watchdog", daemon=True).start()


def _keep_looking(window: float) -> None:
    watchdog = Watchdog(window)
    while True:
        time.sleep(min(EVERY_SECONDS, window / 3))
        watchdog.look(time.monotonic(), incoming.overdue())


def connections() -> Iterator[tuple[int, socket.socket]]:
    """Each TCP connection that somebody opened to this process, by a number that is its own; close what is yielded."""
    for entry in os.listdir(DESCRIPTORS):  # noqa: PTH208  # names are all that is wanted
        with suppress(OSError):
            if not (DESCRIPTORS / entry).readlink().name.startswith("socket:"):
                continue
            # Another of its own: whatever happens to the first, this one stays the same connection.
            copy = _copy(int(entry))
            if _is_accepted(copy):
                yield os.fstat(copy.fileno()).st_ino, copy
            else:
                copy.close()


def _copy(descriptor: int) -> socket.socket:
    """Another descriptor of the same connection. Raises OSError, and leaves none, where it is none any more."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _is_accepted(one: socket.socket) -> bool:
    """Whether it is a TCP connection to a port that this process listens on: none that it opened itself."""
    if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
        return False
    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        _ports.add(one.getsockname()[1])
        return False
    return one.getsockname()[1] in _ports


def numbers_of(one: socket.socket) -> Numbers:
    """What the kernel counts of it. Raises OSError."""
    waiting = struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, b"\0" * 4))[0]
    told = TOLD.unpack_from(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))
    spoke, heard, taken, received, unsent = told
    return Numbers(waiting, unsent, taken, received, spoke / 1000, heard / 1000)


_ports: set[int] = set()
