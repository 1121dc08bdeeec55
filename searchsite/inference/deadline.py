"""Connections for httpcore whose every wait ends at one deadline, that of the calling thread's call."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from searchsite.inference.errors import GivenUp

CONNECT_SECONDS = 5.0
SLICE = 64 * 1024
LOOK_SECONDS = 0.2
"""How soon a call is given up once nobody wants its answer any more."""
_unwanted: ContextVar[threading.Event | None] = ContextVar("unwanted", default=None)


@contextmanager
def wanted_until(unwanted: threading.Event) -> Iterator[None]:
    """Break off the calls made inside, by this thread, soon after the event is set: they raise GivenUp."""
    token = _unwanted.set(unwanted)
    try:
        yield
    finally:
        _unwanted.reset(token)


class Clock(threading.local):
    """When the calling thread's call must be over, in monotonic time."""

    end = float("inf")

    def left(self, most: float = float("inf")) -> float:
        """Seconds to wait now: what is left of the call, or less."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return min(left, most)


@contextmanager
def _raised_as(slow: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise slow(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


class _Stream(httpcore.NetworkStream):
    """One connection. The timeouts httpcore hands in are for single steps; the clock's deadline stands above them."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        unwanted = _unwanted.get()
        with _raised_as(httpcore.ReadTimeout, httpcore.ReadError):
            if unwanted is not None:
                self._wait(unwanted)
            self._connection.settimeout(self._clock.left())
            return self._connection.recv(max_bytes)

    def _wait(self, unwanted: threading.Event) -> None:
        """Wait until there is something to read, and not longer than anybody wants it."""
        while not unwanted.is_set():
            if _is_readable(self._connection, self._clock.left(LOOK_SECONDS)):
                return
        raise GivenUp("nobody wants the answer any more")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        with _raised_as(httpcore.WriteTimeout, httpcore.WriteError):
            while view:
                self._connection.settimeout(self._clock.left())
                view = view[self._connection.send(view[:SLICE]) :]

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError), _closed_on_failure(self._connection):
            self._connection.settimeout(self._clock.left(CONNECT_SECONDS))
            return _Stream(ssl_context.wrap_socket(self._connection, server_hostname=server_hostname), self._clock)

    def get_extra_info(self, info: str) -> Any:
        # The one thing the pool asks of an idle connection: readable means closed by the other side.
        if info == "is_readable":
            return _is_readable(self._connection)
        return self._connection if info == "socket" else None


def _is_readable(connection: socket.socket, seconds: float = 0.0) -> bool:
    """Whether a read would return at once, or will within so long; a closed socket counts."""
    if connection.fileno() < 0:
        return True
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True  # decrypted already
    poll = select.poll()  # not select(): it fails on descriptors above 1,023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def connected(addresses: Sequence[tuple[socket.AddressFamily, Any]], clock: Clock) -> socket.socket:
    """A connection to the first of a host's addresses that takes one; they share the time there is for all.

    `socket.create_connection` gives each of them the whole.
    """
    end = time.monotonic() + clock.left(CONNECT_SECONDS)
    for place, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            with _closed_on_failure(connection):
                connection.settimeout(max(end - time.monotonic(), 0.01) / (len(addresses) - place))
                connection.connect(address)
                return connection
        except OSError:
            if place == len(addresses) - 1:
                raise
    raise OSError("the host has no address")


class Connections(httpcore.NetworkBackend):
    """Opens such connections."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            connection = connected([(family, address) for family, _, _, _, address in found], self._clock)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Stream(connection, self._clock)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError), _closed_on_failure(connection):
            connection.settimeout(self._clock.left(CONNECT_SECONDS))
            connection.connect(path)
            return _Stream(connection, self._clock)


@contextmanager
def _closed_on_failure(connection: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
