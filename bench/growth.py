"""How costs grow with the number of vectors, and where one machine ends."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

# One machine ends where the first of these is reached.
MEMORY_SHARE = 0.5
BUILD_HOURS = 8.0
QUESTIONS_A_SECOND = 20.0
FARTHEST = 10_000_000_000
RECALL = 0.95


@dataclass(frozen=True)
class Power:
    """factor * N ** exponent, fitted; `points` is what it was fitted to."""

    factor: float
    exponent: float
    points: tuple[tuple[float, float], ...]

    def at(self, number: float) -> float:
        return float(self.factor * number**self.exponent)

    def reaches(self, value: float) -> float:
        """The N at which it is so much."""
        if self.exponent <= 0.01:
            return FARTHEST if self.at(1) < value else 0.0
        return float(min(FARTHEST, (value / self.factor) ** (1 / self.exponent)))


@dataclass(frozen=True)
class End:
    """The number of vectors at which one machine reaches a limit."""

    number: float
    limit: str


def fit(points: Sequence[tuple[float, float]]) -> Power | None:
    """Least squares over logarithms; None of fewer than two points."""
    usable = tuple((number, value) for number, value in points if number > 0 and value > 0)
    if len({number for number, _ in usable}) < 2:
        return None
    logs = np.log(np.array(usable, dtype=float))
    exponent, factor = np.polyfit(logs[:, 0], logs[:, 1], 1)
    return Power(math.exp(factor), float(exponent), usable)


def cheapest(curve: Sequence[dict[str, Any]], recall: float) -> dict[str, Any] | None:
    """The point of least CPU that finds so much."""
    enough = [one for one in curve if one["recall"] >= recall]
    return min(enough, key=lambda one: float(one["cpu_ms"])) if enough else None


def fits(runs: Sequence[dict[str, Any]], dimensions: int = 1024) -> dict[str, Power]:
    """Of ours: a question's CPU in ms as the product asks, seconds of CPU to build, and bytes of table and indexes."""
    ours = [(run["count"], run["ours"]) for run in runs if run["dimensions"] == dimensions]
    points = {
        "query": [(count, one["default"]["cpu_ms"]) for count, one in ours],
        "build": [(count, _built(one)) for count, one in ours],
        "bytes": [(count, sum(one["bytes"].values())) for count, one in ours],
        "index": [(count, hot(one["bytes"])) for count, one in ours],
    }
    found = {name: fit(values) for name, values in points.items()}
    return {name: power for name, power in found.items() if power is not None}


def hot(sizes: dict[str, int]) -> int:
    """Bytes of what a question reads all over: the indexes that hold codes or graphs."""
    return sum(size for name, size in sizes.items() if name not in ("table", "part", "pkey"))


def _built(one: dict[str, Any]) -> float:
    """CPU of loading and building; by hand where the product builds no graph."""
    built = one["built"] or one["hand"]["builds"].get("128") or {"cpu_s": 0.0}
    return float(one["loaded"]["server_cpu_s"]) + float(built["cpu_s"])


def ends(found: dict[str, Power], cores: int | None = None, memory: int | None = None) -> list[End]:
    """Where each limit is reached on a machine of so many cores and bytes of memory, nearest first."""
    cores, memory = cores or os.cpu_count() or 1, memory or psutil.virtual_memory().total
    limits = []
    if "query" in found:
        most = cores * 1000 / QUESTIONS_A_SECOND
        limits.append(End(found["query"].reaches(most), f"{QUESTIONS_A_SECOND:g} questions a second take all cores"))
    if "build" in found:
        seconds = BUILD_HOURS * 3600 * cores
        limits.append(End(found["build"].reaches(seconds), f"building anew takes {BUILD_HOURS:g} hours of all cores"))
    if "index" in found:
        limits.append(End(found["index"].reaches(memory * MEMORY_SHARE), "the indexes fill half the memory"))
    return sorted(limits, key=lambda one: one.number)
