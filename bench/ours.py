"""Steps of the measurement of our own search by vector, each a process: `python -m bench.ours STEP DIRECTORY PID`.

PID is the database server's. The last line printed is the step's results as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  # these need Django set up

from bench import by_hand, furnishing, machine, truth  # noqa: E402
from bench.asking import Asker  # noqa: E402
from bench.truth import Task  # noqa: E402
from searchsite.indexing import centres, tables  # noqa: E402
from searchsite.indexing.models import Space  # noqa: E402
from searchsite.indexing.tables import Row  # noqa: E402

SWEEP = (20, 40, 80, 120, 200, 400)
SWEPT = 150
INSERTED = 300


def fill(task: Task, server: int) -> dict[str, Any]:
    """Load as the product does, and build what its index manager builds."""
    team, collections = furnishing.place()
    furnishing.put_items(task, team, collections, INSERTED)
    space = furnishing.open_space(task.dimensions)
    with machine.Stopwatch(server) as loading:
        space = furnishing.put_vectors(space, task, team, collections)
    loaded = {"rows_s": round(task.count / loading.seconds), "server_cpu_s": round(loading.cpu, 2)}
    furnishing.settle(space)
    with machine.Stopwatch(server) as building:
        built = furnishing.build_indexes(space)
    found: dict[str, Any] = {"loaded": loaded, "built": None, "bytes": furnishing.sizes(space)}
    if built:
        found["built"] = _rate(task.count, building)
    return found


def ask(task: Task, server: int) -> dict[str, Any]:
    """By candidates, by filter, and as the product does by itself."""
    asker = Asker()
    everywhere = [asker.bounds()] * len(task.questions)
    curve = []
    for number in SWEEP:
        asker.candidates = number
        cost, found = asker.cost(task.questions[:SWEPT], everywhere[:SWEPT])
        curve.append({"setting": number, "recall": truth.recall(found, task.answers), **cost.figures})
    asker.candidates = None
    cost, found = asker.cost(task.questions, everywhere)
    default = {"recall": truth.recall(found, task.answers), **cost.figures}
    cost, found = asker.cost(task.inside[:SWEPT], everywhere[:SWEPT])
    inside = {"recall": truth.recall(found, task.inside_answers), **cost.figures}
    filters = []
    for cell in task.cells:
        within = [asker.bounds(one) for one in cell.collections]
        cost, found = asker.cost(task.questions[: len(within)], within)
        filters.append({"filter": cell.title, "recall": truth.recall(found, cell.answers), **cost.figures})
    return {"curve": curve, "default": default, "inside": inside, "filters": filters}


def hand(task: Task, server: int) -> dict[str, Any]:
    """What bare SQL costs on the same table: compared exactly, by codes, and by HNSW over a prefix."""
    return by_hand.measure(task, server)


def first(task: Task, server: int) -> dict[str, Any]:
    """The first question of a new connection, and what the same one costs once all is warm."""
    asker = Asker()
    everywhere, times = asker.bounds(), []
    for question in task.questions[:100]:
        began = time.perf_counter()
        asker.ask(question, everywhere)
        times.append((time.perf_counter() - began) * 1000)
    warm = machine.percentile(times[50:], 50)
    nearly = machine.percentile(times[1:11], 50)
    return {"first": {"first_ms": round(times[0], 2), "next_ms": round(nearly, 2), "warm_ms": round(warm, 2)}}


def insert(task: Task, server: int) -> dict[str, Any]:
    """Put vectors in one by one, each in a transaction, with every index in place."""
    space = Space.objects.get(embedder="synthetic")
    centre = centres.centre_of(space, furnishing.CHANNEL)
    mean, version = (centre.mean, centre.version) if centre is not None else (None, 0)
    rows = []
    for at, values in enumerate(task.inside[:INSERTED]):
        part = furnishing.FIRST + task.count + at
        rows.append(Row(part, values, tables.code_of(values, mean), version, b"-"))
    backend, times = Asker().backend, []
    before = machine.process_cpu(backend)
    for row in rows:
        began = time.perf_counter()
        with transaction.atomic():
            tables.put(space.pk, [row])
        times.append((time.perf_counter() - began) * 1000)
    cost = machine.Cost((machine.process_cpu(backend) - before) * 1000 / len(rows), 0.0, tuple(times))
    return {"insert": cost.figures | {"rows_s": round(len(rows) / sum(times) * 1000, 1)}}


STEPS: dict[str, Callable[[Task, int], dict[str, Any]]] = {
    "fill": fill,
    "ask": ask,
    "hand": hand,
    "first": first,
    "insert": insert,
}


def _rate(count: int, building: machine.Stopwatch) -> dict[str, float]:
    return {
        "seconds": round(building.seconds, 2),
        "cpu_s": round(building.cpu, 2),
        "rows_cpu_s": round(count / max(building.cpu, 0.01)),
    }


def main() -> None:
    """Take one step."""
    step, directory, server = sys.argv[1:]
    found = STEPS[step](truth.load(Path(directory)), int(server))
    connection.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
