"""The hardest questions within the limits over 200,000 items, each one's vector kept: none should take 500 ms."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

from bench import house, library, machine
from bench.hard_questions import Writer

ITEMS, QUESTIONS, OVER_HTTP, SEED = 200_000, 150, 80, 3


def measure(directory: Path) -> list[str]:
    """Return the lines of the report, and keep the figures in bench/results/worst.json."""
    before = machine.state()
    with house.running(directory) as home:
        with home.client() as client:
            # The first item opens the space that the others' vectors go to.
            client.post("/api/v1/items", json={"text": "A red boat"}).raise_for_status()
            library.until_embedded(client)
        _run(home, "bench.crowd", str(ITEMS))
        asked = _run(home, "bench.hard_asking", str(QUESTIONS))
        with home.client() as client, home.browser() as browser:
            http = {"page": _over_http(browser, "/"), "API": _over_http(client, "/api/v1/search")}
    *lines, figures = asked.splitlines()
    machine.keep("worst", {"items": ITEMS, "ways": json.loads(figures), "http": http}, before)
    for name, found in http.items():
        shown = f"p50 {found['p50']:6.0f}  p95 {found['p95']:6.0f}  max {found['max']:6.0f} ms wall"
        lines.append(f"worst, over HTTP, {name:<4} {shown}; {found['failed']:.0f} of {found['asked']:.0f} failed")
    return lines


def _run(home: house.House, *command: str) -> str:
    """Run a module in this house and return what it printed; what it complains of is seen."""
    ran = [sys.executable, "-m", *command]
    return subprocess.run(
        ran, env=home.environment, cwd=house.ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _over_http(client: httpx.Client, path: str) -> dict[str, float]:
    """Wall milliseconds of some of the questions through the real server."""
    every = [one for one in Writer(SEED).questions(QUESTIONS) if len(str(one)) < 3000]
    times, failed = [], 0
    for question in random.Random(SEED).sample(every, OVER_HTTP):
        for _ in range(2):
            began = time.perf_counter()
            answer = client.get(path, params=question)
            took = (time.perf_counter() - began) * 1000
        times.append(took)
        failed += answer.status_code >= 500
    cuts = statistics.quantiles(times, n=20)
    found = {"p50": cuts[9], "p95": cuts[18], "max": max(times), "over": sum(one > 500 for one in times)}
    found |= {"failed": failed, "asked": len(times)}
    return {name: round(value, 1) for name, value in found.items()}
