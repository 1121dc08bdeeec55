"""Keeps several calls to an embedder on their way, and stores what has come while the others go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Barrier
from time import monotonic

from django.db import connections

from searchsite import config
from searchsite.indexing import batches, embed
from searchsite.indexing.embed import Unit
from searchsite.jobs.queue import Claim

Take = Callable[[int, bool], list[Claim]]
"""Claims up to so many. Whether nothing else is under way, which an input that ends its process would take along."""
Guard = Callable[[Callable[[], None], Sequence[Claim]], None]
Answer = Future[batches.Outcome]
# Units that wait in the threads' own queue, so that a call that ends is followed by the next at once.
RESERVE = 2


@dataclass
class _Flow:
    """What waits to be asked, what is on its way, and what is to be stored."""

    take: Take
    guard: Guard
    until: float
    most: int
    threads: ThreadPoolExecutor
    waiting: deque[Unit] = field(default_factory=deque)
    flying: dict[Answer, Unit] = field(default_factory=dict)
    landed: deque[tuple[Unit, Answer]] = field(default_factory=deque)
    used_threads: bool = False

    def step(self) -> bool:
        """Do the most urgent thing; false: nothing is left. Calls are sent off before what came is stored."""
        for done in [one for one in self.flying if one.done()]:
            self.landed.append((self.flying.pop(done), done))
        if not self.flying:
            self.supply()
        self.launch()
        if self.landed:
            unit, done = self.landed.popleft()
            self.guard(partial(_store, unit, done), unit.claims)
        elif not self.supply():
            if not self.flying:
                return False
            wait(self.flying, return_when=FIRST_COMPLETED)
        return True

    def supply(self) -> bool:
        """Claim what is soon to be asked; false: there is enough, or nothing."""
        free = self.most + RESERVE - len(self.flying) - len(self.waiting)
        if free <= 0 or monotonic() > self.until:
            return False
        claims = self.take(batches.AT_ONCE * free, not (self.flying or self.waiting or self.landed))
        for some in embed.by_space(claims):
            self.guard(partial(self.prepare, some), some)
        return bool(claims)

    def prepare(self, claims: Sequence[Claim]) -> None:
        """Look up what these claims want."""
        self.waiting.extend(embed.units(claims))

    def launch(self) -> None:
        """Send off what may be. A unit that is alone needs no thread, and the embedded server takes one at a time."""
        while self.waiting:
            unit = self.waiting.popleft()
            if unit.is_local or not (self.waiting or self.flying or self.landed):
                self.guard(partial(_all, unit), unit.claims)
            else:
                self.flying[self.threads.submit(unit.ask)] = unit
                self.used_threads = True


def run(take: Take, guard: Guard, *, until: float) -> None:
    """Embed what `take` claims, a little more than fits on the way, and claim no more after `until`.

    `guard` runs a step for its claims, and settles them when it fails.
    """
    most = config.load().embeds_at_once
    with ThreadPoolExecutor(most, "embed") as threads:
        flow = _Flow(take, guard, until, most, threads)
        try:
            while flow.step():
                pass
        finally:
            if flow.used_threads:
                _close_connections(threads, most)


def _all(unit: Unit) -> None:
    unit.store(unit.ask())


def _store(unit: Unit, done: Answer) -> None:
    unit.store(done.result())


def _close_connections(threads: ThreadPoolExecutor, most: int) -> None:
    """The meter has opened a database connection in each thread, which nobody else would close."""
    together = Barrier(most)

    def close() -> None:
        # No thread may take two of these, and so leave another without.
        together.wait()
        connections.close_all()

    for done in [threads.submit(close) for _ in range(most)]:
        done.result()
