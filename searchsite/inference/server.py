"""The inference server: networks behind HTTP on a unix socket or a TCP address."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import select
import signal
import socket
import socketserver
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import FrameType
from typing import Any

from searchsite.inference import memory, wire
from searchsite.inference.builtin.engine import Engine
from searchsite.inference.local import NO_OTHERS, CannotLoad, Local, open_desk
from searchsite.inference.routes import Reply, Routes

Address = Path | tuple[str, int]

MOST_BODY = 32 * 2**20
MOST_BODIES = 256 * 2**20
"""Bytes of all requests that are being read or answered."""
MOST_CONNECTIONS = 128
IDLE_SECONDS = 75.0
STOP_SECONDS = 3.0
SWITCH_SECONDS = 0.001
"""How long a thread may hold the interpreter while a question waits for it."""

log = logging.getLogger(__name__)


class CannotServe(Exception):
    """The server can't start; the message is one sentence for whoever started it."""


class _Bytes:
    """The bytes that may still be taken in; to be taken before a body is read."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Whether there was room for so many bytes; given back at the end."""
        with self._lock:
            fits = size <= self._free
            self._free -= size if fits else 0
        try:
            yield fits
        finally:
            with self._lock:
                self._free += size if fits else 0


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    server_version = "searchsite"
    sys_version = ""
    timeout = IDLE_SECONDS
    wbufsize = 64 * 1024  # head and body in one packet
    server: _Server

    def do_GET(self) -> None:
        self._reply(self._answer(b""))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            return self._turn_away(Reply(411, wire.error("send a Content-Length", 411)))
        size = int(length)
        if size > MOST_BODY:
            return self._turn_away(Reply(413, wire.error(f"a request may hold {MOST_BODY} bytes", 413)))
        with self.server.bodies.taken(size) as fits:
            if not fits:
                busy = wire.error("too much is being received", 503, kind="ServiceUnavailableError")
                return self._turn_away(Reply(503, busy, retry_after=2))
            body = self.rfile.read(size)
            if len(body) < size:
                self.close_connection = True
                return None
            return self._reply(self._answer(body))

    def _answer(self, body: bytes) -> Reply:
        try:
            return self.server.routes.answer(self.command, self.path.partition("?")[0], body, self._has_left)
        except Exception:  # one request's fault must not end the server, and the caller is told
            log.exception("%s %s failed", self.command, self.path)
            return Reply(500, wire.error("the engine failed on this request", 500, kind="InternalServerError"))

    def _turn_away(self, reply: Reply) -> None:
        self.close_connection = True  # the body was not read, so the connection can't go on
        self._reply(reply)

    def _has_left(self) -> bool:
        """Whether the other side has closed the connection, so that nobody waits for the answer."""
        look = select.poll()
        look.register(self.connection, select.POLLIN)
        try:
            return bool(look.poll(0)) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _reply(self, reply: Reply) -> None:
        if reply.events is not None:
            return self._stream(reply.events)
        body = json.dumps(reply.body, separators=(",", ":")).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if reply.retry_after is not None:
            self.send_header("Retry-After", str(math.ceil(reply.retry_after)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        return None

    def _stream(self, events: Iterator[str]) -> None:
        """Send events as they come; the connection ends with them. Whoever leaves ends the work for them."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        with closing(events):  # type: ignore[type-var]
            for event in events:
                self.wfile.write(f"data: {event}\n\n".encode())
                self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections, a thread each, up to a number."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: Address, routes: Routes) -> None:
        self.routes = routes
        self.bodies = _Bytes(MOST_BODIES)
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        if isinstance(address, Path):
            self.address_family = socket.AF_UNIX
        super().__init__(os.fspath(address) if isinstance(address, Path) else address, _Handler)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        if self.address_family != socket.AF_UNIX:
            return super().server_bind()
        path = os.fsdecode(self.server_address)  # type: ignore[arg-type]
        self.socket.bind(path)
        os.chmod(path, 0o600)  # noqa: PTH101 - before listening: nobody can have connected
        return None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        if self.address_family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, peer or ("unix", 0)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._connections.acquire(blocking=False):
            return super().process_request(request, client_address)
        return self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection broke", exc_info=True)


@contextmanager
def listening(address: Address, routes: Routes) -> Iterator[tuple[str, int] | Path]:
    """Answer at the address in a thread until the block ends; yields where (a free port was chosen for port 0)."""
    with _claimed(address):
        try:
            server = _Server(address, routes)
        except OSError as error:
            raise CannotServe(f"cannot listen on {_name(address)}: {error.strerror or error}") from error
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        try:
            yield address if isinstance(address, Path) else server.socket.getsockname()[:2]
        finally:
            server.shutdown()
            server.server_close()
            if isinstance(address, Path):
                address.unlink(missing_ok=True)


def serve(
    address: Address,
    cache: Path,
    ready: Callable[[], None] | None = None,
    *,
    readers: int = 1,
    local: Local = NO_OTHERS,
) -> None:
    """Load the networks and serve until SIGTERM or SIGINT; `ready` is called when questions are answered.

    Must run in the main thread. `cache` keeps what the engine derives on its first start. `readers` pictures
    are read side by side, each on a core of its own. `local` names the networks beside the built-in one.
    Start the process with OPENBLAS_NUM_THREADS=1: on several threads numpy takes twice the CPU for products
    as small as these.
    """
    stop = _told_to_stop()
    sys.setswitchinterval(SWITCH_SECONDS)
    memory.limit_arenas()
    with _claimed(address):
        pass  # before the seconds of loading
    routes = _loaded(cache, readers, local)
    memory.give_back()
    with listening(address, routes):
        log.info("answering on %s", _name(address))
        if ready is not None:
            ready()
        stop.wait()
    if not routes.stop(STOP_SECONDS):
        log.info("leaving work half done")
        os._exit(0)  # a native thread can't be interrupted, and waiting for it may take half a minute


def _told_to_stop() -> threading.Event:
    """What is set by SIGTERM and SIGINT."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop


def _loaded(cache: Path, readers: int, local: Local) -> Routes:
    try:
        desk = open_desk(local) if local.networks else None
        return Routes(Engine(cache, log.info), readers, desk)
    except OSError as error:
        raise CannotServe(f"cannot load the networks: {error}") from error
    except CannotLoad as error:
        raise CannotServe(str(error)) from error


def _name(address: Address) -> str:
    return str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"


@contextmanager
def _claimed(address: Address) -> Iterator[None]:
    """Hold the socket's path for this process; what a dead process left there is removed.

    The lock and not a test connection decides, so that two servers starting at once can't both win.
    """
    if not isinstance(address, Path):
        yield
        return
    address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with address.with_name(f"{address.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(f"an inference server already answers on {address}") from None
        if address.exists() and not stat.S_ISSOCK(address.stat().st_mode):
            raise CannotServe(f"{address} is in the way and is not a socket")
        address.unlink(missing_ok=True)
        yield
