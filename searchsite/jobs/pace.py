"""How fast each kind of job is done, what waits of it, and how long that takes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

# What a pace is shown over, and reckoned from.
MINUTES, SHORT, LONG = 30, 5, 15
# From so many on, what is done since work began says more than a mean over minutes without any; in seconds, at least.
ENOUGH, LEAST = 10, 5.0
# Up to here done jobs are counted; beyond, the planner's statistics know how many there are, to some percent.
COUNTED = 5000
REASON_CHARS = 300
# Of these, each reads one index in its order, and the table where rows are new.
WAITING = """
SELECT kind, team_id, lane, count(*), min(created_at) FROM job
WHERE state = 'ready' AND (%(team)s::bigint IS NULL OR team_id = %(team)s) GROUP BY 1, 2, 3
"""
RUNNING = """
SELECT kind, count(*) FROM job
WHERE state = 'running' AND (%(team)s::bigint IS NULL OR team_id = %(team)s) GROUP BY 1
"""
HELD = """
SELECT kind, team_id, left(last_error, %(chars)s), count(*), max(run_at) FROM job
WHERE state = 'ready' AND NOT last_error = '' AND last_error IS NOT NULL
    AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
GROUP BY 1, 2, 3
"""
FINISHED = """
SELECT kind, date_bin('1 minute', finished_at, statement_timestamp()) AS minute, count(*), min(finished_at),
    statement_timestamp()
FROM job WHERE state = 'done' AND finished_at > statement_timestamp() - make_interval(mins => %(minutes)s)
    AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
GROUP BY 1, 2
"""
DONE = """
SELECT kind, count(*) FROM (
    SELECT kind FROM job WHERE state = 'done' AND (%(team)s::bigint IS NULL OR team_id = %(team)s) LIMIT %(most)s
) AS counted GROUP BY kind
"""
ABOUT = """
EXPLAIN (FORMAT JSON)
SELECT FROM job WHERE state = 'done' AND kind = %(kind)s AND (%(team)s::bigint IS NULL OR team_id = %(team)s)
"""


@dataclass(frozen=True)
class Held:
    """Jobs that went back to wait with a reason; `until` is when the last of them is due again."""

    team_id: int
    reason: str
    number: int
    until: datetime


@dataclass
class Standing:
    """Where one kind stands. `exact` is false where the done ones are an estimate."""

    kind: str
    waiting: int = 0
    running: int = 0
    done: int = 0
    exact: bool = True
    oldest: datetime | None = None
    lanes: Counter[int] = field(default_factory=Counter)
    teams: Counter[int] = field(default_factory=Counter)
    held: list[Held] = field(default_factory=list)
    minutes: list[int] = field(default_factory=lambda: [0] * MINUTES)
    """Done in each of the last minutes, the oldest first."""
    first: list[float] = field(default_factory=lambda: [0.0] * MINUTES)
    """How many seconds ago the first of each of these was done."""

    @property
    def rate(self) -> float:
        """Done per minute in the last five minutes, or since work began in them; in the last fifteen, if none was."""
        done, seconds = self._lately()
        return 60 * done / seconds if done >= ENOUGH else self.over(SHORT) or self.over(LONG)

    def _lately(self) -> tuple[int, float]:
        """How many were done, in how many seconds, since there was a minute without any; in the last five at most."""
        done, seconds = 0, LEAST
        for at in range(1, SHORT + 1):
            if not self.minutes[-at]:
                break
            done, seconds = done + self.minutes[-at], max(LEAST, self.first[-at])
        return done, seconds

    @property
    def seconds_left(self) -> float | None:
        """How long all that waits and runs takes at that pace; None where there is none."""
        left = self.waiting + self.running
        return left / self.rate * 60 if left and self.rate else None

    def over(self, minutes: int) -> float:
        """Done per minute in the last so many minutes."""
        return sum(self.minutes[-minutes:]) / minutes


def standing(kinds: Iterable[str], *, team_id: int | None = None) -> dict[str, Standing]:
    """Where each kind stands, of one team or of all. A few short statements, however much is done."""
    found = {kind: Standing(kind) for kind in kinds}
    asked = {"team": team_id, "chars": REASON_CHARS, "minutes": MINUTES}
    with connection.cursor() as cursor:
        for statement, add in READERS:
            cursor.execute(statement, asked)
            for kind, *row in cursor.fetchall():
                if kind in found:
                    add(found[kind], *row)
    for kind, (number, exact) in done(found, team_id=team_id).items():
        found[kind].done, found[kind].exact = number, exact
    return found


def done(kinds: Iterable[str], *, team_id: int | None = None) -> dict[str, tuple[int, bool]]:
    """How many of each kind are done, and whether that is exact: a million rows are not counted at each look."""
    with connection.cursor() as cursor:
        cursor.execute(DONE, {"team": team_id, "most": COUNTED + 1})
        counted: dict[str, int] = defaultdict(int, cursor.fetchall())
        if sum(counted.values()) <= COUNTED:
            return {kind: (counted[kind], True) for kind in kinds}
        about = {}
        for kind in kinds:
            cursor.execute(ABOUT, {"kind": kind, "team": team_id})
            about[kind] = (max(_rows(cursor.fetchone()), counted[kind]), False)
    return about


def _add_waiting(to: Standing, team_id: int, lane: int, number: int, oldest: datetime) -> None:
    to.waiting += number
    to.lanes[lane] += number
    to.teams[team_id] += number
    to.oldest = oldest if to.oldest is None else min(to.oldest, oldest)


def _add_running(to: Standing, number: int) -> None:
    to.running += number


def _add_held(to: Standing, *held: Any) -> None:
    to.held.append(Held(*held))


def _add_done(to: Standing, minute: datetime, number: int, first: datetime, now: datetime) -> None:
    # A minute that began now is of the jobs that ended while this was asked.
    ago = max(0, round((now - minute).total_seconds() / 60) - 1)
    if ago < MINUTES:
        at = MINUTES - 1 - ago
        to.minutes[at] += number
        to.first[at] = max(to.first[at], (now - first).total_seconds())


def _rows(answer: Any) -> int:
    plan = answer[0] if not isinstance(answer[0], str) else json.loads(answer[0])
    return int(plan[0]["Plan"]["Plan Rows"])


READERS = ((WAITING, _add_waiting), (RUNNING, _add_running), (HELD, _add_held), (FINISHED, _add_done))
