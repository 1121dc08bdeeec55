"""How long the database may work on a question: less than half a second in all, where the library is of a usual size.

Time alone says little where others use the same cores, or where there is more to look through: then it is more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from django.db import connection

# Of the whole, what conditions may take: they are looked up, or the question is refused. Then each step answers, or is
# left out. One that finds no time left gets a little from what is spare, as long as that lasts.
WHOLE, CONDITIONS, LEAST, SPARE = 0.3, 0.25, 0.04, 0.07
# Who waits for a core gets it in turns, and the load is that of the last minute: twice as busy is four times as long.
MOST_STRETCHED = 10.0
USUAL = 200_000
SIZE = "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'item'::regclass"
KEPT_SECONDS = 60.0


@dataclass
class Budget:
    """Seconds for all the statements of a question, one after the other: what one leaves is for the next.

    Where the machine is busy or the library large, they are as many more. within: no longer than another, besides.
    """

    seconds: float = WHOLE
    within: Budget | None = None
    until: float = field(init=False)
    end: float = field(init=False)
    least: float = field(init=False)

    def __post_init__(self) -> None:
        stretched = stretch()
        self.until, self.least = monotonic() + self.seconds * stretched, LEAST * stretched
        self.end = self.until + SPARE * stretched
        if self.within is not None:
            self.until, self.end = min(self.until, self.within.until), min(self.end, self.within.end)

    @property
    def left(self) -> float:
        """Seconds until it is over."""
        return max(0.0, self.until - monotonic())

    @property
    def is_over(self) -> bool:
        """Whether what comes now gets the least there is, or nothing."""
        return self.left < self.least

    @property
    def milliseconds(self) -> str:
        """What is left for the next statement, as Postgres takes it."""
        now = monotonic()
        return str(max(1, round(1000 * min(max(self.until - now, self.least), self.end - now))))

    def share(self, parts: int) -> Budget:
        """One of so many equal parts of what is left."""
        return Budget(self.left / parts / stretch(), self)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While something else than the database is waited for."""
        began = monotonic()
        try:
            yield
        finally:
            self._put_off(monotonic() - began)

    def _put_off(self, seconds: float) -> None:
        self.until, self.end = self.until + seconds, self.end + seconds
        if self.within is not None:
            self.within._put_off(seconds)

    def apply(self) -> None:
        """Within a transaction: the next statement ends when the time does."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [self.milliseconds])


def stretch() -> float:
    """How many times as long a question may take here and now."""
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    return min(busy**2, MOST_STRETCHED) * max(1.0, _items(int(monotonic() / KEPT_SECONDS)) / USUAL)


@lru_cache(maxsize=1)
def _items(_moment: int) -> float:
    """How many items there are, as Postgres guesses."""
    with connection.cursor() as cursor:
        cursor.execute(SIZE)
        return float(cursor.fetchone()[0])
