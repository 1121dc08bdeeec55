"""Lists, searches and facets over 100,000 items with vectors: queries and milliseconds of each page, warm."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench import house

ITEMS = 100_000


def measure(directory: Path) -> list[str]:
    """Return the lines of the report."""
    with house.running(directory) as home:
        with home.client() as client:
            # The first item opens the space that the others' vectors go to.
            client.post("/api/v1/items", json={"text": "A red boat"}).raise_for_status()
            while client.get("/api/v1/jobs").json()["counts"].get("embed", {}).get("done", 0) < 1:
                time.sleep(0.5)
        made = home.manage("make_items", "--count", str(ITEMS), "--vectors", "--yes").splitlines()[-1]
        visit = [sys.executable, "-m", "bench.visiting", "library"]
        visited = subprocess.run(
            visit, env=home.environment, cwd=house.ROOT, check=True, capture_output=True, text=True
        )
    return [f"library: {made}", *visited.stdout.splitlines()]
