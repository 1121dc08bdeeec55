"""Half an hour of mixed load: no error, and the memory of each program stays what it was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests import figures, house, servers
from tests.house import House
from tests.soak.load import Load

SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
EVERY = 4.0
WINDOWS = 12
"""The inference server alone goes up and down by 60 MB with what it is at, and what leaks never goes down: so the
least that a program took in each of so many windows makes the line."""
WARM = 0.4
"""Of the items: until so many have passed, threads, caches and the allocator still take what they then keep."""
MOST_MB = 5.0
"""Growth for a thousand items."""
ROLES = {
    "web": "granian",
    "worker": "worker@",
    "reader": "reader@",
    "beat": " beat ",
    "inference": "serve_inference",
    "postgres": "postgres",
    "broker": "valkey",
}


def megabytes(pids: list[int]) -> float:
    """What these processes take, with what they share counted once."""
    taken = 0
    for pid in pids:
        try:
            taken += psutil.Process(pid).memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return taken / 2**20


@dataclass
class Watch:
    """Memory by role, and how many items had come in by then."""

    home: House
    items: list[int] = field(default_factory=list)
    taken: dict[str, list[float]] = field(default_factory=lambda: {role: [] for role in ROLES})

    def look(self, items: int) -> None:
        self.items.append(items)
        for role, word in ROLES.items():
            self.taken[role].append(megabytes(self.home.pids(word)))

    def slopes(self) -> dict[str, float]:
        """Megabytes for a thousand items, by least squares of what each took at least, once all is warm."""
        items = np.array(self.items, float)
        windows = np.array_split(np.flatnonzero(items >= items[-1] * WARM), WINDOWS)
        middle = [items[window].mean() for window in windows]
        return {
            role: float(np.polyfit(middle, [np.array(of)[window].min() for window in windows], 1)[0]) * 1000
            for role, of in self.taken.items()
        }


def tracebacks(folder: Path) -> list[str]:
    """What went wrong by the words of the programs' logs."""
    lines = (line for log in folder.glob("*.log") for line in log.read_text(errors="replace").splitlines())
    return [line for line in lines if line.startswith("Traceback") or "Internal Server Error" in line]


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house.running(servers.directory() / "soaked", LOG_LEVEL="INFO") as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 900)
def test_memory_stays_flat_and_nothing_fails(home: House) -> None:
    watch, end = Watch(home), time.monotonic() + SECONDS
    with Load(home) as load:
        while time.monotonic() < end:
            load.stopped.wait(EVERY)
            watch.look(load.put_in)
    slopes = watch.slopes()
    # What one program gives back does not make up for another that grows.
    growth = sum(max(slope, 0.0) for slope in slopes.values())
    figures.keep(
        9,
        "soak",
        seconds=round(SECONDS),
        items=load.put_in,
        calls=load.calls.total(),
        growth_mb_per_1000=round(growth, 2),
        **{f"{role}_slope": round(slope, 2) for role, slope in slopes.items()},
        errors=len(load.errors),
        **{f"{role}_mb": round(of[-1]) for role, of in watch.taken.items()},
    )
    assert load.errors == []
    assert tracebacks(home.data_dir / "log") == []
    assert load.put_in > SECONDS / 10, "too few items to tell"
    assert growth < MOST_MB, slopes
