"""Keeps several calls to an embedder on their way, and stores what has come while the others go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from time import monotonic

from django.db import connections

from searchsite import config
from searchsite.indexing import batches, embed
from searchsite.indexing.embed import Unit
from searchsite.jobs.queue import Claim

Take = Callable[[int], list[Claim]]
Guard = Callable[[Callable[[], None], Sequence[Claim]], None]


def run(take: Take, guard: Guard, *, until: float) -> None:
    """Embed what `take` claims, a little more than fits on the way, and claim no more after `until`.

    `guard` runs a step for its claims, and settles them when it fails.
    """
    most = config.load().embeds_at_once
    waiting: deque[Unit] = deque()
    flying: dict[Future[batches.Outcome], Unit] = {}
    with ThreadPoolExecutor(most, "embed") as threads:
        while True:
            while monotonic() < until and len(waiting) + len(flying) <= most:
                claims = take(batches.AT_ONCE * (most - len(waiting) - len(flying) or 1))
                if not claims:
                    break
                for some in embed.by_space(claims):
                    guard(partial(_prepare, some, waiting), some)
            while waiting and len(flying) < most:
                unit = waiting.popleft()
                if unit.is_local or not (waiting or flying):
                    guard(partial(_all, unit), unit.claims)
                else:
                    flying[threads.submit(_apart, unit)] = unit
            if not flying:
                return
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                unit = flying.pop(done)
                guard(partial(_store, unit, done), unit.claims)


def _prepare(claims: Sequence[Claim], waiting: deque[Unit]) -> None:
    waiting.extend(embed.units(claims))


def _all(unit: Unit) -> None:
    unit.store(unit.ask())


def _store(unit: Unit, done: Future[batches.Outcome]) -> None:
    unit.store(done.result())


def _apart(unit: Unit) -> batches.Outcome:
    """Ask in a thread; the meter has opened a database connection there, which nobody else would close."""
    try:
        return unit.ask()
    finally:
        connections.close_all()
