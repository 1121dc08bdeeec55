"""One supervised program: how it is started, asked whether it runs, and stopped with all its descendants."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from searchsite.config import ROOT

LEASH = Path(__file__).with_name("leash.py")
LOG_LIMIT = 10 * 2**20


@dataclass(frozen=True)
class Program:
    """What to run, and how it wants to be stopped."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    nice: int = 0
    user_namespace: bool = False

    def leashed(self) -> list[str]:
        """The whole command line, leash included."""
        lost = self.stop_signal if self.stop_signal == signal.SIGINT else signal.SIGKILL
        words = ["--nice", str(self.nice)] if self.nice else []
        words += ["--user-namespace"] if self.user_namespace else []
        return on_leash(self.command, *words, lost=lost)


def on_leash(command: Sequence[str], *words: str, lost: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line of a program that gets a signal when we are gone, however we end."""
    tied = ["--parent", str(os.getpid()), "--signal", str(int(lost))]
    return [sys.executable, "-I", "-S", str(LEASH), *tied, *words, "--", *command]


@dataclass
class Running:
    """A started program. Must be started from the main thread: Linux ties the leash to the thread."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def ask_to_stop(self) -> None:
        """Send the signal that it knows as an orderly stop."""
        if self.process.poll() is None:
            self.process.send_signal(self.program.stop_signal)

    def kill_group(self) -> None:
        """End whatever is left of it and of its descendants in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # Just started, it leads no session yet, and would be waited for until its own end.
        self.process.kill()
        self.process.wait()

    def stop(self, grace: float | None = None) -> None:
        """Stop it in an orderly way within its grace, then by force."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.program.grace if grace is None else grace)
        self.kill_group()


def start(program: Program, typed: str = "") -> Running:
    """Start a program with its output in its log file, and a short text on its input."""
    rotate(program.log)
    environment = {**os.environ, **program.environment}
    with program.log.open("ab") as log:
        process = subprocess.Popen(
            program.leashed(),
            stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=ROOT,
        )
    if process.stdin is not None:
        with process.stdin, contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{typed}\n".encode())
    return Running(program, process, time.monotonic())


def rotate(log: Path) -> None:
    """Set a log file aside when it has grown large; one earlier one is kept."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(log.suffix + ".1"))


def trim(log: Path) -> None:
    """Do as `rotate` for a log that a program is writing: what it writes next goes to the start (O_APPEND).

    Lines written between the copy and the cut are lost.
    """
    with contextlib.suppress(OSError):  # A full disk, most likely: the copy waits for the next time.
        if log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_suffix(log.suffix + ".1"))
            os.truncate(log, 0)


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log file, for showing why something didn't start."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])
