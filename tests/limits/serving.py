"""A real web server over the session's database, with few desks and little patience."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from searchsite.config import Config
from searchsite.ops import household, process
from tests import house, servers

SETTINGS: dict[str, str] = {
    "WEB_THREADS": "4",
    "WEB_STATEMENT_SECONDS": "2",
    "LOCK_SECONDS": "1.5",
    "CLIENT_SECONDS": "3",
    "DOWNLOAD_STREAMS": "24",
    "VISITS_PER_MINUTE": "0",
}


@dataclass(frozen=True)
class Answer:
    """What came back, and after how long."""

    status: int
    headers: dict[str, str]
    text: str
    seconds: float


@dataclass(frozen=True)
class Server:
    """A running web server."""

    port: int
    pid: int

    def get(self, path: str, cookie: str = "", method: str = "GET", body: object = None, **headers: str) -> Answer:
        """Ask for a page."""
        sent = {"Host": "127.0.0.1", **({"Cookie": f"session={cookie}"} if cookie else {}), **headers}
        asked = HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.monotonic()
        try:
            asked.request(method, path, body=body, headers=sent)  # type: ignore[arg-type]
            got = asked.getresponse()
            text = got.read().decode("utf-8", "replace")
        finally:
            asked.close()
        return Answer(
            got.status, {name.title(): value for name, value in got.headers.items()}, text, time.monotonic() - began
        )

    def open(self, *lines: str, receives: int = 0, here: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of this machine on which these lines of a request were sent."""
        client = socket.socket()
        client.bind((here, 0))
        if receives:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        client.sendall("".join(f"{line}\r\n" for line in (*lines, "Host: 127.0.0.1", "")).encode())
        return client

    @property
    def threads(self) -> int:
        """How many threads its processes have."""
        return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in self.pids)

    @property
    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return [self.pid, *map(int, children)]


@contextmanager
def running(media: Path, **settings: str) -> Iterator[Server]:
    """The web server, as `manage.py up` starts it."""
    here, port = connection.settings_dict, house.free_port()
    address = f"postgresql://{here['USER']}@/{here['NAME']}?host={quote(str(here['HOST']), safe='')}"
    environment = SETTINGS | settings | {"DATABASE_URL": address, "PORT": str(port), "MEDIA_ROOT": str(media)}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        config = Config()
    finally:
        os.environ.clear()
        os.environ.update(before)
    server = process.start(
        household.mark(household.web(config), {**household.environment(config, "test"), **environment})
    )
    try:
        servers.wait_until(lambda: household.web_lives(config), server)
        yield Server(port, server.pid)
    finally:
        server.stop()


def all_at_once(number: int, ask: Callable[[int], Answer]) -> list[Answer]:
    """What so many clients get that ask at the same moment."""
    with ThreadPoolExecutor(number) as clients:
        gate = threading.Barrier(number)

        def one(which: int) -> Answer:
            gate.wait()
            return ask(which)

        return list(clients.map(one, range(number)))


@contextmanager
def asked_meanwhile(server: Server, paths: Sequence[str]) -> Iterator[list[Answer]]:
    """What these pages answer, again and again, while something else goes on."""
    answers: list[Answer] = []
    over = threading.Event()

    def keep_asking() -> None:
        while not over.is_set():
            answers.extend(server.get(path) for path in paths)
            over.wait(0.1)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        yield answers
    finally:
        over.set()
        asking.join()
