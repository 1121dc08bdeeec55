"""`python -m bench [NAME...]`: print the measurements of one run, of all or of those that are named."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import admin, batching, ingesting, library, searching, starts, throughput

MEASUREMENTS: dict[str, Callable[[Path], list[str]]] = {
    "starts": starts.measure,
    "throughput": throughput.measure,
    "batching": batching.measure,
    "searching": searching.measure,
    "admin": admin.measure,
    "library": library.measure,
    "ingesting": ingesting.measure,
}


def main() -> None:
    """Run the measurements that were asked for, each in a directory of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MEASUREMENTS, []], help="which; all of them when none is named")
    names = parser.parse_args().names or list(MEASUREMENTS)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="searchsite-bench-") as directory:
            for line in MEASUREMENTS[name](Path(directory)):
                print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
