"""A whole house for tests: `manage.py up` on a free port, with its own data in a path that holds a space."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from searchsite.config import ROOT
from searchsite.ops import guard, process

MANAGE = (sys.executable, str(ROOT / "manage.py"))
READY = "Ctrl-C stops it."


@dataclass
class House:
    """A running `manage.py up`."""

    directory: Path
    environment: dict[str, str]
    running: process.Running
    admin_password: str = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.running.program.log

    @property
    def said(self) -> str:
        """Everything that it printed so far."""
        return self.log.read_text(encoding="utf-8")

    def manage(self, *words: str) -> str:
        """What a management command prints."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run([*MANAGE, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def token(self, scopes: str = "read,write", user: str = "admin") -> str:
        """A fresh bearer token."""
        return self.manage("create_token", "--user", user, "--scopes", scopes).strip().splitlines()[-1]

    def pids(self, word: str = "") -> list[int]:
        """Its processes whose command line holds a word, oldest first."""
        found = []
        for pid in guard.marked(str(self.data_dir)):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                started = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19])
            except OSError:
                continue
            if word in line:
                found.append((started, pid))
        return [pid for _, pid in sorted(found)]

    def again(self) -> None:
        """Start it once more on the same data and port."""
        self.running = start(self.directory, **self.environment).running

    def stop(self) -> None:
        self.running.stop()


def start(directory: Path, **settings: str) -> House:
    """Start a house and wait until it is ready."""
    directory.mkdir(parents=True, exist_ok=True)
    places = {"DATA_DIR": str(directory / "data"), "MEDIA_ROOT": str(directory / "media")}
    ours = {"PORT": str(free_port()), "HOST": "127.0.0.1", "DJANGO_SETTINGS_MODULE": "searchsite.settings"}
    environment = {**places, **ours, "SAMPLE_LIBRARY": "false", "WORKERS": "2", **settings}
    log = directory / f"up-{time.monotonic_ns()}.log"
    program = process.Program("house", (*MANAGE, "up"), log, environment=environment, grace=60.0)
    house = House(directory, environment, process.start(program))
    wait_until(lambda: READY in house.said or house.running.exit_code() is not None, seconds=240)
    assert READY in house.said, house.said
    shown = re.search(r"Password:\s+(\S+)", house.said)
    house.admin_password = shown[1] if shown else ""
    return house


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[House]:
    """A house that is stopped at the end."""
    house = start(directory, **settings)
    try:
        yield house
    finally:
        house.stop()


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that takes an unknown time, and fail when it doesn't come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
