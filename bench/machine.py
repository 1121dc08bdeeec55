"""The state of the machine, and CPU counted by process: time alone says little where others use the cores."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"
NANO = 1e9


@dataclass(frozen=True)
class Cost:
    """Of one operation: milliseconds of CPU in the server and in the client, and wall milliseconds of each."""

    server: float
    client: float
    times: tuple[float, ...]

    @property
    def figures(self) -> dict[str, float]:
        """For the results; CPU is the mean, p50 and p95 are wall time."""
        return {
            "cpu_ms": round(self.server, 4),
            "client_ms": round(self.client, 4),
            "p50_ms": round(statistics.median(self.times), 3),
            "p95_ms": round(percentile(self.times, 95), 3),
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """Of a few values, the nearest that is there."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def process_cpu(pid: int) -> float:
    """CPU seconds of a process of one thread, such as a Postgres backend, to the nanosecond where Linux tells."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / NANO
    except (OSError, ValueError, IndexError):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process and all its descendants, those that have ended included; to 10 ms."""
    root = psutil.Process(pid)
    total = 0.0
    for one in (root, *root.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def state() -> dict[str, Any]:
    """What the figures were measured on."""
    found = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in found.splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else "unknown",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load": round(os.getloadavg()[0], 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def keep(name: str, found: dict[str, Any], before: dict[str, Any]) -> Path:
    """Write results to bench/results/NAME.json, with the machine before and after."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    after = {"load": round(os.getloadavg()[0], 1)}
    path.write_text(json.dumps({"machine": before | {"load_after": after["load"]}, **found}, indent=1) + "\n")
    return path


class Stopwatch:
    """CPU seconds of the database's processes and wall seconds of a piece of work."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __enter__(self) -> Stopwatch:
        self._began, self._cpu = time.monotonic(), tree_cpu(self.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
        self.cpu = tree_cpu(self.pid) - self._cpu
