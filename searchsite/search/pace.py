"""How long the database may work on a question: less than half a second, where the library is of a usual size.

Time alone says little where others use the same cores, or where there is more to look through: then it is more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from django.db import connection

# Conditions are looked up, or the question is refused; then each step answers, or is left out.
CONDITIONS, STEPS, LEAST = 0.22, 0.22, 0.04
# Who waits for a core gets it in turns, and the load is that of the last minute: twice as busy is four times as long.
MOST_STRETCHED = 10.0
USUAL = 200_000
SIZE = "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'item'::regclass"
KEPT_SECONDS = 60.0


@dataclass
class Budget:
    """Seconds for several statements, one after the other: what one leaves is for the next, and never nothing."""

    seconds: float
    until: float = field(init=False)
    least: float = field(init=False)

    def __post_init__(self) -> None:
        stretched = stretch()
        self.until, self.least = monotonic() + self.seconds * stretched, LEAST * stretched

    @property
    def milliseconds(self) -> str:
        """What is left for the next statement, as Postgres takes it."""
        return str(max(1, round(1000 * max(self.until - monotonic(), self.least))))

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
