"""Asks hard questions of the library of this environment: what each costs, and the dearest with their steps.

`python -m bench.hard_asking NUMBER [WAY]`: in this process, in every way or in one.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import django
import psutil
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import connection  # noqa: E402  # these need Django set up

from bench.hard_questions import Params, Writer  # noqa: E402
from searchsite.accounts.models import Team, User  # noqa: E402
from searchsite.library.scope import Scope, scope_for  # noqa: E402
from searchsite.search import facets, notices  # noqa: E402
from searchsite.search.every import every  # noqa: E402
from searchsite.search.find import find  # noqa: E402
from searchsite.search.questions import BadQuestion, from_query  # noqa: E402

SEED, SHOWN, DEEP = 5, 15, 4
AIM = 500.0
CUT = "in part"


@dataclass
class Asked:
    """What one question cost in one way, in milliseconds; its statements, dearest first; what came of it."""

    question: Params
    way: str
    wall: float
    cpu: float
    outcome: str
    steps: list[tuple[float, str]] = field(default_factory=list)


def main() -> None:
    """Print the report."""
    questions = Writer(SEED).questions(int(sys.argv[1]))
    scope = scope_for(User.objects.get(username="admin"), Team.objects.get(name="home"))
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    asked = []
    for at, question in enumerate(questions):
        for way, ask in ways(question, scope).items():
            if not only or way == only:
                asked.append(asked_warm(question, way, ask))
        if at % 50 == 0:
            print(f"{at} of {len(questions)} asked", file=sys.stderr, flush=True)
    report(asked)


def ways(question: Params, scope: Scope) -> dict[str, Callable[[], str]]:
    """The first page, a page deep in the list, the facets, and all results."""

    def deep() -> str:
        found = find(from_query(question), scope)
        for _ in range(DEEP):
            if found.next_cursor is None:
                break
            found = find(from_query(question | {"cursor": found.next_cursor}), scope)
        return f"{found.total_estimate} found"

    def page() -> str:
        found = find(from_query(question), scope)
        return f"{found.total_estimate} found{f' {CUT}' * notices.is_cut(found.notes)}"

    return {
        "page 1": page,
        "deep": deep,
        "facets": lambda: f"{len(facets.facets(from_query(question), scope).values)} facets",
        "all": lambda: f"{len(every(from_query(question), scope))} found",
    }


def asked_warm(question: Params, way: str, ask: Callable[[], str]) -> Asked:
    """The first page is asked for twice, and first: that has the vector made and kept, and what is read in memory."""
    if way == "page 1":
        _once(question, way, ask)
    return _once(question, way, ask)


def _once(question: Params, way: str, ask: Callable[[], str]) -> Asked:
    pages = DEEP + 1 if way == "deep" else 1
    with _steps() as steps:
        began, worked = time.perf_counter(), _worked()
        try:
            outcome = ask()
        except BadQuestion as wrong:
            outcome = f"refused: {wrong}"
        wall, cpu = time.perf_counter() - began, _worked() - worked
    steps.sort(reverse=True)
    return Asked(question, way, wall * 1000 / pages, cpu * 1000 / pages, outcome, steps)


@contextmanager
def _steps() -> Iterator[list[tuple[float, str]]]:
    """Note each statement with its milliseconds."""
    noted: list[tuple[float, str]] = []
    execute = psycopg.Cursor.execute

    def note(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(self, query, params, **options)
        finally:
            text = query if isinstance(query, str) else query.as_string(self)
            noted.append(((time.perf_counter() - began) * 1000, " ".join(text.split())))

    psycopg.Cursor.execute = note  # type: ignore[method-assign]
    try:
        yield noted
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def _worked() -> float:
    """CPU seconds of this process and of its database backend: others' work on the same cores is not in it."""
    connection.ensure_connection()
    backend = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return time.process_time() + float(backend.user + backend.system)


def figures(asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """By way: wall and CPU milliseconds, how many were refused, and of how many first pages a part was left out."""
    found = {}
    for way in dict.fromkeys(one.way for one in asked):
        own = [one for one in asked if one.way == way]
        of_way: dict[str, float] = {"asked": len(own), "over": sum(one.wall > AIM for one in own)}
        for name, times in (("wall", [one.wall for one in own]), ("cpu", [one.cpu for one in own])):
            cuts = statistics.quantiles(times, n=20)
            of_way |= {f"{name}_p50": cuts[9], f"{name}_p95": cuts[18], f"{name}_max": max(times)}
        of_way["refused"] = sum(one.outcome.startswith("refused") for one in own)
        of_way["cut"] = sum(one.outcome.endswith(CUT) for one in own)
        found[way] = {name: round(value, 1) for name, value in of_way.items()}
    return found


def report(asked: Sequence[Asked]) -> None:
    """Print figures by way, and the dearest; as the last line the figures once more, as JSON."""
    found = figures(asked)
    for way, of_way in found.items():
        for name in ("wall", "cpu"):
            shown = "  ".join(f"{cut} {of_way[f'{name}_{cut}']:6.0f}" for cut in ("p50", "p95", "max"))
            print(f"worst, {way:<8} {shown} ms {name}")
        print(
            f"worst, {way:<8} {of_way['over']:.0f} of {of_way['asked']:.0f} over {AIM:.0f} ms,"
            f" {of_way['refused']:.0f} refused, a part left out of {of_way['cut']:.0f} first pages"
        )
    for one in sorted(asked, key=lambda one: one.cpu, reverse=True)[:SHOWN]:
        print(f"{one.cpu:6.0f} ms CPU {one.wall:6.0f} wall  {one.way}: {str(one.question)[:130]} -> {one.outcome}")
        for milliseconds, text in one.steps[:3]:
            print(f"         {milliseconds:6.0f} ms  {text[:110]}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
