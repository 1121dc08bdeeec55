"""CPU of a search over HTTP against its own bare SQL, over 10,000 vectors, the question's vector kept."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench import house

ROUNDS = 5
QUESTIONS = [
    f"{adjective} {noun}"
    for adjective in ("red", "old", "small", "wooden", "broken")
    for noun in ("boat", "house", "horse", "street", "garden", "clock", "bridge", "cup")
]


def measure(directory: Path) -> list[str]:
    """Return the lines of the report."""
    with house.running(directory) as home, home.client() as client, home.browser() as browser:
        fill = [sys.executable, "-m", "bench.filling"]
        subprocess.run(fill, env=home.environment, cwd=house.ROOT, check=True)
        page = _over_http(home, browser, "/")
        api = _over_http(home, client, "/api/v1/search")
        replay = [sys.executable, "-m", "bench.replay", str(ROUNDS), *QUESTIONS]
        answer = subprocess.run(
            replay, env=home.environment, cwd=house.ROOT, check=True, capture_output=True, text=True
        )
    bare = float(answer.stdout.split()[-1])
    return [
        f"search, bare SQL                {bare:6.2f} ms CPU a question (10,000 vectors, vector kept)",
        _line("search, page", page, bare),
        _line("search, API", api, bare),
    ]


def _line(name: str, measured: tuple[float, list[float]], bare: float) -> str:
    cpu, times = measured
    tail = statistics.quantiles(times, n=20)[-1]
    middle = statistics.median(times)
    return f"{name:<31} {cpu:6.2f} ms CPU, {cpu / bare:.2f} times bare (aim: 3), p50 {middle:.1f} ms, p95 {tail:.1f} ms"


def _over_http(home: house.House, client: httpx.Client, path: str) -> tuple[float, list[float]]:
    """CPU milliseconds a question of web server and database, and the wall milliseconds of each."""
    for question in QUESTIONS:
        client.get(path, params={"q": question}).raise_for_status()
    times: list[float] = []

    def ask() -> None:
        for question in QUESTIONS * ROUNDS:
            began = time.perf_counter()
            client.get(path, params={"q": question}).raise_for_status()
            times.append((time.perf_counter() - began) * 1000)

    return _cpu_during(home, ask) * 1000 / (len(QUESTIONS) * ROUNDS), times


def _cpu_during(home: house.House, work: Callable[[], None]) -> float:
    """CPU seconds that web server and database used; what they use when idle is taken off."""
    idle_began, idle_cpu = time.monotonic(), home.cpu("granian", "postgres:")
    time.sleep(3)
    idle = (home.cpu("granian", "postgres:") - idle_cpu) / (time.monotonic() - idle_began)
    began, before = time.monotonic(), home.cpu("granian", "postgres:")
    work()
    used = home.cpu("granian", "postgres:") - before
    return used - idle * (time.monotonic() - began)
