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
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from searchsite.web import incoming

log = structlog.get_logger()
EVERY_SECONDS = 5.0
LEAST_RATE = 8 << 10
"""Bytes a second that a client takes over a window, as long as there is something for it."""
DESCRIPTORS = Path("/proc/self/fd")
# Of struct tcp_info: tcpi_bytes_acked and tcpi_bytes_received.
COUNTED_AT = 120


@dataclass(frozen=True)
class Numbers:
    """What the kernel counts of a connection: bytes to be taken, taken, and received."""

    waiting: int
    taken: int
    received: int


@dataclass
class Seen:
    """How a connection stood at the begin of its window. sending: it has had something to take ever since."""

    numbers: Numbers
    since: float
    sending: bool


class Watchdog:
    """Remembers the connections of this process."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: dict[int, Seen] = {}

    def look(self, now: float, overdue: Collection[str] = ()) -> int:
        """Close what is too slow; return how many. overdue: from where bodies do not come as they have to."""
        seen, closed = dict[int, Seen](), 0
        for key, connection in _connections():
            with closing(connection), suppress(OSError):
                numbers = _numbers(connection)
                before = self._seen.get(key) or Seen(numbers, now, True)
                before.sending = before.sending and numbers.waiting > 0
                seen[key] = before
                if now - before.since < self._window:
                    continue
                late = connection.getpeername()[0] in overdue and _is_late(before.numbers, numbers)
                if late or (before.sending and _takes_slowly(before.numbers, numbers, now - before.since)):
                    log.info("connection closed", reason="it sends too slowly" if late else "it takes too slowly")
                    connection.shutdown(socket.SHUT_RDWR)
                    closed += 1
                seen[key] = Seen(numbers, now, numbers.waiting > 0)
        self._seen = seen
        return closed


def _takes_slowly(before: Numbers, now: Numbers, seconds: float) -> bool:
    return now.taken - before.taken < LEAST_RATE * seconds


def _is_late(before: Numbers, now: Numbers) -> bool:
    """Whether it is sent nothing and sends little: one of those whose bodies are waited for, or one that rests."""
    return now.taken == before.taken and not now.waiting and now.received - before.received < incoming.LEAST_BYTES


def watch(window: float) -> None:
    """Look after the connections of this process for as long as it lives."""
    if DESCRIPTORS.exists():
        threading.Thread(target=_keep_looking, args=(window,), name="watchdog", daemon=True).start()


def _keep_looking(window: float) -> None:
    watchdog = Watchdog(window)
    while True:
        time.sleep(min(EVERY_SECONDS, window / 3))
        watchdog.look(time.monotonic(), incoming.overdue())


def _connections() -> Iterator[tuple[int, socket.socket]]:
    """Each TCP connection that somebody opened to this process, by a number that is its own; close what is yielded."""
    for entry in os.listdir(DESCRIPTORS):  # noqa: PTH208  # names are all that is wanted
        with suppress(OSError):
            if not (DESCRIPTORS / entry).readlink().name.startswith("socket:"):
                continue
            # Another of its own: whatever happens to the first, this one stays the same connection.
            copy = socket.socket(fileno=os.dup(int(entry)))
            if _is_accepted(copy):
                yield os.fstat(copy.fileno()).st_ino, copy
            else:
                copy.close()


def _is_accepted(one: socket.socket) -> bool:
    """Whether it is a TCP connection to a port that this process listens on: none that it opened itself."""
    if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
        return False
    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        _ports.add(one.getsockname()[1])
        return False
    return one.getsockname()[1] in _ports


def _numbers(one: socket.socket) -> Numbers:
    waiting = struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, b"\0" * 4))[0]
    taken, received = struct.unpack_from("QQ", one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), COUNTED_AT)
    return Numbers(waiting, taken, received)


_ports: set[int] = set()
