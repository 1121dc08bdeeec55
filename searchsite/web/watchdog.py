"""Closes connections whose client takes what it is sent too slowly, or not at all: each would keep a thread for ever.

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
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger()
EVERY_SECONDS, WINDOW_SECONDS = 5.0, 45.0
LEAST_RATE = 8 << 10
"""Bytes a second that a client takes over a window, as long as there is something for it."""
DESCRIPTORS = Path("/proc/self/fd")
ACKNOWLEDGED_AT, INFO_BYTES = 120, 128


@dataclass
class Seen:
    """What a connection had taken when its window began, and when that was."""

    taken: int
    since: float


class Watchdog:
    """Remembers the connections of this process that have something to send."""

    def __init__(self, *, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._seen: dict[int, Seen] = {}

    def look(self, now: float) -> int:
        """Close what is too slow; return how many."""
        seen, closed = dict[int, Seen](), 0
        for key, connection in _connections():
            with closing(connection), suppress(OSError):
                waiting, taken = _pending(connection), _taken(connection)
                if not waiting:
                    continue
                before = seen[key] = self._seen.get(key) or Seen(taken, now)
                if now - before.since < self._window:
                    continue
                if taken - before.taken < LEAST_RATE * (now - before.since):
                    log.info("connection closed", reason="what it was sent was taken too slowly")
                    connection.shutdown(socket.SHUT_RDWR)
                    closed += 1
                seen[key] = Seen(taken, now)
        self._seen = seen
        return closed


def watch(*, window: float = WINDOW_SECONDS) -> None:
    """Look after the connections of this process for as long as it lives."""
    if DESCRIPTORS.exists():
        threading.Thread(target=_keep_looking, args=(window,), name="watchdog", daemon=True).start()


def _keep_looking(window: float) -> None:
    watchdog = Watchdog(window=window)
    while True:
        time.sleep(min(EVERY_SECONDS, window / 3))
        watchdog.look(time.monotonic())


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


def _pending(one: socket.socket) -> int:
    """Bytes that it was given and has not taken."""
    return int(struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, b"\0" * 4))[0])


def _taken(one: socket.socket) -> int:
    """Bytes that it has ever taken."""
    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(struct.unpack_from("Q", info, ACKNOWLEDGED_AT)[0]) if len(info) >= INFO_BYTES else 0


_ports: set[int] = set()
