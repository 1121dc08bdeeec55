"""`python -m bench [--long] [--most N] [NAME...]`: print the measurements of one run, of all or of those named."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from bench import admin, batching, claiming, ingesting, library, searching, starts, throughput, vectors, worst

Measurement = Callable[[Path], Iterable[str]]


def measurements(long: bool, most: int | None) -> dict[str, Measurement]:
    """What can be measured, by name, in order."""
    return {
        "vectors": partial(vectors.measure, long=long, most=most),
        "searching": partial(searching.measure, long=long, most=most),
        "starts": starts.measure,
        "throughput": throughput.measure,
        "batching": batching.measure,
        "admin": admin.measure,
        "claiming": claiming.measure,
        "library": library.measure,
        "ingesting": ingesting.measure,
        "worst": worst.measure,
    }


def main() -> None:
    """Run the measurements that were asked for, each in a directory of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all of them when none is named")
    parser.add_argument("--long", action="store_true", help="more vectors: hours")
    parser.add_argument("--most", type=int, help="leave out sizes with more vectors than this")
    asked = parser.parse_args()
    able = measurements(asked.long, asked.most)
    unknown = [name for name in asked.names if name not in able]
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}; there are {', '.join(able)}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    for name in asked.names or able:
        with tempfile.TemporaryDirectory(prefix="searchsite-bench-") as directory:
            for line in able[name](Path(directory)):
                print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
