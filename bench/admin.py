"""The pages of the admin over 100,000 items: queries, counts and milliseconds of each, warm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench import house

ITEMS = 100_000


def measure(directory: Path) -> list[str]:
    """Return the lines of the report."""
    with house.running(directory) as home:
        made = home.manage("make_items", "--count", str(ITEMS)).splitlines()[-1]
        visit = [sys.executable, "-m", "bench.visiting"]
        visited = subprocess.run(
            visit, env=home.environment, cwd=house.ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
    return [f"admin: {made} Aim: 300 ms, 12 queries, no count(*).", *visited.stdout.splitlines()]
