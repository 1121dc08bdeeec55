"""Search by vector: ours, the least that SQL can cost, libraries without a database, and what one would use instead.

All in one run on the same vectors and questions (bench/synthetic.py, bench/truth.py); a claim is a ratio within it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import database, house, machine, reporting, targets, truth
from bench.database import Database

PEER_PYTHON = house.ROOT / ".venv-bench" / "bin" / "python"
CLIENTS, CLIENT_SECONDS = (1, 2, 4), 5.0
PEER_SECONDS = 3600
FLOORS = ("faiss", "hnswlib")
CHOICES = ("qdrant", "lancedb", "chroma")


@dataclass(frozen=True)
class Size:
    """What is measured at one number of vectors."""

    count: int
    dimensions: int = 1024
    peers: tuple[str, ...] = ()


SHORT = (
    Size(10_000, peers=(*FLOORS, *CHOICES)),
    Size(50_000, peers=(*FLOORS, *CHOICES)),
    Size(200_000, peers=("faiss",)),
)
LONG = (
    Size(10_000, peers=(*FLOORS, *CHOICES)),
    Size(50_000, peers=(*FLOORS, *CHOICES)),
    Size(200_000, peers=(*FLOORS, *CHOICES)),
    Size(1_000_000, peers=("faiss",)),
    Size(10_000, 4096, ("faiss",)),
    Size(50_000, 4096, ("faiss",)),
)


def measure(directory: Path, *, long: bool = False, most: int | None = None) -> Iterator[str]:
    """Yield the lines of the report as they come, and keep the figures in bench/results/vectors.json.

    most: leave out sizes beyond it.
    """
    before, runs, reached = machine.state(), [], []
    for number, size in enumerate(LONG if long else SHORT):
        if most is not None and size.count > most:
            yield f"vectors: {size.count:,} left out, as asked"
            continue
        place = directory / str(number)
        run = _one(place, size)
        shutil.rmtree(place)
        runs.append(run)
        reached = list(targets.of_vectors(runs))
        machine.keep("vectors", {"long": long, "runs": runs, "targets": [one.figures for one in reached]}, before)
        yield from reporting.size(run)
    yield from reporting.verdicts(reached)
    yield from reporting.growing(runs)


def _one(place: Path, size: Size) -> dict[str, Any]:
    task = truth.prepare(place, size.count, size.dimensions)
    with database.alone(place / "house") as server:
        found = {"count": task.count, "dimensions": task.dimensions, "ours": _ours(server, place)}
    shutil.rmtree(place / "house")
    found["peers"] = {name: _peer(name, place) for name in size.peers}
    return found


def _ours(server: Database, place: Path) -> dict[str, Any]:
    def step(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            server.python("bench.ours", name, str(place), str(server.pid)).splitlines()[-1]
        )
        return found

    found = step("fill") | step("ask")
    found["clients"] = {str(number): _clients(server, place, number) for number in CLIENTS}
    server.start_anew()
    found |= step("first") | {"hand": step("hand")}
    # Last: what is put in now is in no answer.
    return found | step("insert")


def _clients(server: Database, place: Path, number: int) -> float:
    """Questions a second of so many clients at once; they and the database share the cores."""
    started = [server.program("bench.asking", str(place), str(CLIENT_SECONDS)) for _ in range(number)]
    for one in started:
        assert one.stdout is not None
        one.stdout.readline()
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    asked = sum(int(one.communicate()[0].split()[-1]) for one in started)
    return round(asked / CLIENT_SECONDS, 1)


def _peer(name: str, place: Path) -> dict[str, Any]:
    """Its results, or why there are none: a peer is never left out silently."""
    if not PEER_PYTHON.exists():
        return {"missing": "not installed: `make .venv-bench/ready`"}
    command = [str(PEER_PYTHON), "-m", "bench.peers", name, str(place)]
    try:
        done = subprocess.run(
            command, cwd=house.ROOT, capture_output=True, text=True, timeout=PEER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"took more than {PEER_SECONDS} s"}
    if done.returncode:
        return {"missing": f"failed: {(done.stderr.strip().splitlines() or ['no word'])[-1][:200]}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
