"""Finds and ends the processes of a house whose supervisor is gone.

Every child carries two marks in its environment: the house (its data directory) and the run (one start of
it). As a script (`python -I -S guard.py HOUSE RUN`) it waits until the supervisor has gone, however it went,
and then ends what that run left, grandchildren included.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HOUSE = "SEARCHSITE_HOUSE"
RUN = "SEARCHSITE_RUN"
PROC = Path("/proc")


def marked(house: str, run: str | None = None) -> Iterator[int]:
    """Pids of this house, of one run of it when that is given. Linux only; elsewhere none are seen."""
    marks = {f"{HOUSE}={house}".encode()} | ({f"{RUN}={run}".encode()} if run else set())
    for entry in PROC.glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # It ended meanwhile, or is somebody else's.
            if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                yield int(entry.name)


def is_postgres(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "comm").read_text(encoding="ascii", errors="replace").strip() == "postgres"
    return False


def end_all(house: str, run: str | None = None, seconds: float = 30.0) -> int:
    """End them: Postgres in its orderly way, the others at once. Returns how many there were."""
    seen: set[int] = set()
    deadline = time.monotonic() + seconds
    while left := list(marked(house, run)):
        patient = time.monotonic() < deadline
        for pid in left:
            number = signal.SIGINT if patient and is_postgres(pid) else signal.SIGKILL
            if pid not in seen or number == signal.SIGKILL:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        seen.update(left)
        if time.monotonic() > deadline + 5:
            break
        time.sleep(0.05)
    return len(seen)


def main() -> None:
    os.setsid()
    sys.stdin.buffer.read()  # The other end is open for as long as the supervisor lives.
    end_all(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
