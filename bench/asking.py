"""Asks the product's `nearest` in a process of its own for some seconds: `python -m bench.asking DIRECTORY SECONDS`.

It says "ready", waits for a line, and prints how many questions were answered.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import connection  # noqa: E402  # these need Django set up

from bench import machine, truth  # noqa: E402
from bench.furnishing import CHANNEL, FIRST  # noqa: E402
from bench.synthetic import Floats, Numbers  # noqa: E402
from bench.truth import TOP  # noqa: E402
from searchsite.accounts.models import Team  # noqa: E402
from searchsite.indexing import tables  # noqa: E402
from searchsite.indexing.models import Space  # noqa: E402
from searchsite.library.models import Collection  # noqa: E402
from searchsite.search import vectors  # noqa: E402
from searchsite.search.bounds import Bounds  # noqa: E402


class Asker:
    """The product's search by vector, as a page asks it, with the CPU of both ends apart.

    candidates: so many are looked at before they are compared exactly; None: as many as the product does by itself.
    """

    def __init__(self) -> None:
        self.candidates: int | None = None
        self.space = Space.objects.get(embedder="synthetic")
        self.team = Team.objects.get(name="measuring").pk
        within = Collection.objects.filter(team=self.team, name__startswith="Folder ").order_by("id")
        self.collections = tuple(within.values_list("pk", flat=True))
        with tables.cursor() as cursor:
            found = cursor.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        self.backend: int = found[0]

    def bounds(self, within: Numbers | None = None) -> Bounds:
        """All collections, or some by their number."""
        some = self.collections if within is None else tuple(self.collections[at] for at in within)
        return Bounds(team=self.team, collections=some)

    def ask(self, question: Floats, bounds: Bounds) -> list[int]:
        """The numbers of what was found, nearest first."""
        if self.candidates is None:
            found = vectors.nearest(self.space, CHANNEL, question, bounds)
        else:
            self.space.recall = {CHANNEL: {"candidates": self.candidates}}
            few = min(self.candidates, vectors.DEPTH)
            found = vectors.nearest(self.space, CHANNEL, question, bounds, enough=vectors.Enough(few, min(few, TOP)))
            self.space.recall = {}
        return [near.item_id - FIRST for near in found]

    def cost(self, questions: Floats, bounds: list[Bounds]) -> tuple[machine.Cost, list[list[int]]]:
        """Ask each question with its bounds; a tenth is asked before, and not counted."""
        for question, one in list(zip(questions, bounds, strict=True))[: max(3, len(questions) // 10)]:
            self.ask(question, one)
        times, found = [], []
        server, client = machine.process_cpu(self.backend), time.process_time()
        for question, one in zip(questions, bounds, strict=True):
            began = time.perf_counter()
            found.append(self.ask(question, one))
            times.append((time.perf_counter() - began) * 1000)
        client = (time.process_time() - client) * 1000 / len(times)
        server = (machine.process_cpu(self.backend) - server) * 1000 / len(times)
        return machine.Cost(server, client, tuple(times)), found


def main() -> None:
    """Be one of several clients."""
    task, seconds = truth.load(Path(sys.argv[1])), float(sys.argv[2])
    asker = Asker()
    everywhere = asker.bounds()
    for question in task.questions[:20]:
        asker.ask(question, everywhere)
    print("ready", flush=True)
    sys.stdin.readline()
    until, asked = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        asker.ask(task.questions[asked % len(task.questions)], everywhere)
        asked += 1
    connection.close()
    print(asked, flush=True)


if __name__ == "__main__":
    main()
