"""How long a claim of 32 jobs takes of a large backlog, of few teams and of many; also beside a long dump.

While a dump holds its snapshot open, no row that was claimed can be cleared away, so every claim finds more of them
where its own should be.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from bench import database

JOBS = int(os.environ.get("BENCH_JOBS", "1000000"))
TEAMS = (1, 50, 1000)
AT_ONCE, WARM, MEASURED = 32, 20, 200
CLAIMS_BESIDE_A_DUMP = int(os.environ.get("BENCH_CLAIMS", "2000"))
FILL = """
INSERT INTO job (kind, queue, lane, team_id, subject, input_hash, state, token, attempts, deaths, last_error)
SELECT 'embed', 'embed', 9, 1 + number %% %s, number, '', 'ready', 0, 0, 0, '' FROM generate_series(1, %s) AS number
"""


class Taken(NamedTuple):
    """Milliseconds of one claim: by the clock, and of the processor by the database, which no load beside it changes.

    The kernel counts the second in steps of ten, so only its mean says something.
    """

    passed: float
    used: float


def measure(directory: Path) -> Iterator[str]:
    """The lines of the report."""
    with database.alone(directory) as home:
        yield f"a claim of {AT_ONCE} of {JOBS:,} jobs, all of which are finished, in milliseconds"
        with home.program("bench.claiming") as measuring:
            assert measuring.stdout is not None
            yield from (line.rstrip() for line in measuring.stdout)


def main() -> None:
    """Measure in the database of this environment."""
    import django  # noqa: PLC0415 - it reads the environment's settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
    django.setup()
    for teams in TEAMS:
        _fill(teams)
        print(_line(f"{teams:,} teams", _claims(WARM + MEASURED)[WARM:]), flush=True)
        print(_line(f"{teams:,} teams, beside a dump", _beside_a_dump()[-MEASURED:]), flush=True)


def _fill(teams: int) -> None:
    from django.db import connection  # noqa: PLC0415 - needs the settings

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("TRUNCATE job")
        cursor.execute(FILL, [teams, JOBS])
        cursor.execute("VACUUM ANALYZE job")


def _beside_a_dump() -> list[Taken]:
    """Milliseconds of many claims, one after the other, while an old snapshot is in use."""
    from django.db import connection  # noqa: PLC0415 - needs the settings

    with connection.get_new_connection(connection.get_connection_params()) as dump:
        dump.autocommit = False
        dump.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        dump.execute("SELECT count(*) FROM stage_pause")
        taken = _claims(CLAIMS_BESIDE_A_DUMP)
        dump.rollback()
    return taken


def _claims(count: int) -> list[Taken]:
    """What each took."""
    from django.db import connection  # noqa: PLC0415 - needs the settings

    from searchsite.jobs import queue  # noqa: PLC0415 - needs the settings

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0])
    taken = []
    for _ in range(count):
        began, used = time.perf_counter(), sum(server.cpu_times()[:2])
        claims = queue.claim("embed", limit=AT_ONCE)
        passed = time.perf_counter() - began
        taken.append(Taken(passed * 1000, (sum(server.cpu_times()[:2]) - used) * 1000))
        assert len(claims) == AT_ONCE
        queue.finish_all(claims)
    return taken


def _line(name: str, taken: list[Taken]) -> str:
    ordered = sorted(one.passed for one in taken)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    used = statistics.mean(one.used for one in taken)
    return f"{name:28} p50 {middle:6.1f}  p95 {late:6.1f}  most {ordered[-1]:6.1f}  CPU of the database {used:6.1f}"


if __name__ == "__main__":
    main()
