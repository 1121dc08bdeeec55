"""Lists, searches and facets over 100,000 items with vectors: queries and milliseconds of each page, warm."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx

from bench import house

ITEMS = 100_000
EMBEDDED_WITHIN_SECONDS = 120.0


def measure(directory: Path) -> list[str]:
    """Return the lines of the report."""
    with house.running(directory) as home:
        with home.client() as client:
            # The first item opens the space that the others' vectors go to.
            client.post("/api/v1/items", json={"text": "A red boat"}).raise_for_status()
            until_embedded(client)
        made = home.manage("make_items", "--count", str(ITEMS), "--vectors", "--yes").splitlines()[-1]
        visit = [sys.executable, "-m", "bench.visiting", "library"]
        visited = subprocess.run(
            visit, env=home.environment, cwd=house.ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
    return [f"library: {made}", *visited.stdout.splitlines()]


def until_embedded(client: httpx.Client) -> None:
    """Wait until the first item has its vector. Raises SystemExit."""
    deadline = time.monotonic() + EMBEDDED_WITHIN_SECONDS
    while (counts := client.get("/api/v1/jobs").json()["counts"].get("embed", {})).get("done", 0) < 1:
        if time.monotonic() > deadline:
            raise SystemExit(f"The first item was not embedded within {EMBEDDED_WITHIN_SECONDS:.0f} s: {counts}")
        time.sleep(0.5)
