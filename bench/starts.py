"""How long a start takes: cold on an empty directory, warm on what the first one left."""

from __future__ import annotations

from pathlib import Path

from bench import house


def measure(directory: Path) -> list[str]:
    """Return the lines of the report."""
    with house.running(directory) as cold:
        first = cold.seconds
    with house.running(directory) as warm:
        again = warm.seconds
    return [f"start, cold (empty directory)   {first:6.1f} s", f"start, warm (second start)      {again:6.1f} s"]
