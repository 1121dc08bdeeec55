"""A house of its own for a measurement: a fresh directory, a free port, and CPU counted by program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parent.parent
MANAGE = str(ROOT / "manage.py")
# One client asks here as often as it can.
UNLIMITED = ("REQUESTS_PER_MINUTE", "VISITS_PER_MINUTE", "SEARCHES_PER_MINUTE", "SEARCHES_AT_ONCE")
UNLIMITED += ("UPLOADS_PER_MINUTE", "TEAM_UPLOADS_PER_MINUTE", "QUESTIONS_PER_MINUTE", "PICTURES_PER_MINUTE")


@dataclass(frozen=True)
class House:
    """A running searchsite."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    address: str
    password: str | None
    seconds: float

    def manage(self, *arguments: str) -> str:
        """Run a management command in this house and return what it printed."""
        command = [sys.executable, MANAGE, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def client(self) -> httpx.Client:
        """An HTTP client with a token of the first user."""
        made = self.manage("create_token", "--user", "admin", "--scopes", "read,write", "--name", "bench")
        headers = {"Authorization": f"Bearer {made.split()[-1]}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=120)

    def browser(self) -> httpx.Client:
        """An HTTP client that has signed in as the first user."""
        with httpx.Client(base_url=self.address, follow_redirects=True) as client:
            client.get("/accounts/login/").raise_for_status()
            form = {"login": "admin", "password": self.password, "csrfmiddlewaretoken": client.cookies["csrf"]}
            client.post("/accounts/login/", data=form).raise_for_status()
            cookies = dict(client.cookies)
        return httpx.Client(base_url=self.address, cookies=cookies, timeout=120, follow_redirects=True)

    def cpu(self, *words: str) -> float:
        """CPU seconds used so far by the programs whose command line holds one of the words."""
        total = 0.0
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line, times = " ".join(child.cmdline()), child.cpu_times()
            except psutil.Error:
                continue
            if any(word in line for word in words):
                total += times.user + times.system
        return total


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[House]:
    """Start a house on the directory, as `make run` does, and stop it afterwards."""
    port = _free_port()
    environment = {**os.environ, "DATA_DIR": str(directory / "data"), "MEDIA_ROOT": str(directory / "media")}
    environment |= {"PORT": str(port), "SAMPLE_LIBRARY": "false", **dict.fromkeys(UNLIMITED, "0"), **settings}
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, MANAGE, "up"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        password = _greeting(process)
        yield House(process, environment, f"http://127.0.0.1:{port}", password, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _greeting(process: subprocess.Popen[str]) -> str | None:
    assert process.stdout is not None
    password = None
    for line in process.stdout:
        if line.startswith("Password:"):
            password = line.split()[1]
        if line.startswith("Ctrl-C"):
            return password
    raise SystemExit("The house did not start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
