"""The product's own Postgres, with its own settings and tables and nothing beside it that works."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import house
from searchsite.config import Config
from searchsite.ops import places, postgres, process

WITHIN_SECONDS = 60.0


class Database:
    """A server that can be started anew. `environment` is for commands and programs that use it."""

    def __init__(self, directory: Path) -> None:
        self.environment = {**os.environ, "DATA_DIR": str(directory / "data"), "MEDIA_ROOT": str(directory / "media")}
        self._config = Config(data_dir=directory / "data", media_root=directory / "media")
        places.make(self._config)
        postgres.prepare(self._config)
        self._running = self._started()

    @property
    def pid(self) -> int:
        """Of the program at the root of all the server's processes."""
        return self._running.pid

    @property
    def directory(self) -> Path:
        return postgres.data(self._config)

    def start_anew(self) -> None:
        """An orderly stop and a start; what it held in memory is gone, but for what it puts back by itself."""
        self._running.stop()
        self._running = self._started()

    def stop(self) -> None:
        self._running.stop()

    def python(self, *arguments: str) -> str:
        """Run a module of ours against it; its errors are shown."""
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=house.ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def program(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a module of ours that is talked to."""
        command = [sys.executable, "-m", *arguments]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=house.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def manage(self, *arguments: str) -> str:
        """Run a management command."""
        return self.python("manage", *arguments)

    def _started(self) -> process.Running:
        running = process.start(postgres.program(self._config))
        deadline = time.monotonic() + WITHIN_SECONDS
        while (wrong := postgres.answers(self._config)) is not None:
            if running.exit_code() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The database did not start: {wrong}")
            time.sleep(0.05)
        return running


@contextmanager
def alone(directory: Path) -> Iterator[Database]:
    """A fresh database with the product's tables, stopped afterwards."""
    started = Database(directory)
    try:
        started.manage("migrate", "--verbosity", "0")
        yield started
    finally:
        started.stop()
