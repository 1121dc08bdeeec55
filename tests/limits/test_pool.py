"""A database that is slow, away or full: who asks is told, and the site goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from django.db import connection

from tests import figures
from tests.limits import serving
from tests.limits.besieged import PEOPLE, STREAMS, answerer, connections, conninfo, everyone, server, started, token_of
from tests.limits.serving import Server

__all__ = ["answerer", "everyone", "server", "started"]
HEALTH = ("/livez", "/readyz")
END_WHO_WAITS = """
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


def test_a_database_that_stands_still_is_said_and_the_site_goes_on(server: Server, everyone: list[str]) -> None:
    with serving.asked_meanwhile(server, HEALTH) as health:
        with locked("item"):
            answers = serving.all_at_once(100, lambda n: server.get("/search?q=car", everyone[n % PEOPLE]))
        assert server.get("/search?q=car", everyone[0]).status == 200, "it goes on by itself"
    slowest = max(one.seconds for one in answers)
    said = Counter(one.status for one in answers)
    figures.keep(6, "pool-database-slow", asked=100, refused=said[503] + said[429], of_500=said[500], slowest=slowest)
    assert set(said) <= {503, 429} and all(int(one.headers["Retry-After"]) >= 1 for one in answers)
    assert any("took the database too long" in one.text for one in answers)
    assert any("cannot take more" in one.text for one in answers)
    assert slowest < 15, "a desk is waited for 2 s, and a lock 1.5"
    assert_healthy(health)


def test_a_statement_is_cut_and_a_program_told(server: Server, everyone: list[str]) -> None:
    token = token_of("person0")
    with locked("item"):
        answer = server.get("/api/v1/items", Authorization=f"Bearer {token}")
    assert answer.status == 503 and answer.headers["Content-Type"].startswith("application/problem+json")
    assert int(answer.headers["Retry-After"]) >= 1 and "Ask for less" in answer.text
    assert answer.seconds < 10


def test_a_connection_that_ends_in_the_midst_of_a_request_is_said_and_the_next_has_another(
    server: Server, everyone: list[str]
) -> None:
    with ThreadPoolExecutor(2) as clients, psycopg.connect(conninfo(), autocommit=True) as operator:
        with locked("item"):
            page = clients.submit(server.get, "/search?q=car", everyone[0])
            api = clients.submit(server.get, "/api/v1/items", Authorization=f"Bearer {token_of('person1')}")
            until, ended = time.monotonic() + 10, set[int]()
            while len(ended) < 2 and time.monotonic() < until:
                # One may be seen twice before it is gone.
                ended |= {pid for pid, _ in operator.execute(END_WHO_WAITS)}
        answers = [page.result(), api.result()]
    assert len(ended) >= 2 and [one.status for one in answers] == [503, 503]
    assert all(one.headers["Retry-After"] for one in answers)
    assert server.get("/search?q=car", everyone[0]).status == 200


def test_no_connection_left_is_said_and_health_answers(server: Server, everyone: list[str]) -> None:
    with serving.asked_meanwhile(server, HEALTH) as health, no_connections_left():
        answers = serving.all_at_once(20, lambda n: server.get("/search?q=car", everyone[n % PEOPLE]))
        said = Counter(one.status for one in answers)
    figures.keep(6, "pool-connections-exhausted", asked=20, refused=said[503], of_500=said[500])
    assert set(said) == {503} and all(one.headers["Retry-After"] for one in answers)
    assert_healthy(health)
    assert server.get("/search?q=car", everyone[0]).status == 200


def test_desks_have_no_more_connections_than_they_are(server: Server, everyone: list[str]) -> None:
    answers = serving.all_at_once(60, lambda n: server.get("/", everyone[n % PEOPLE]))
    assert {one.status for one in answers} <= {200, 429, 503}
    number = connections()
    figures.keep(6, "pool-connections", asked_at_once=60, desks=4, connections=number)
    assert number <= 4 + 1 + STREAMS, "those of the desks, of a probe, and of streams"


def assert_healthy(answers: list[serving.Answer]) -> None:
    """Whoever watched got answers all the time, the slowest within a second on a machine that does nothing else."""
    assert len(answers) >= 4 and {one.status for one in answers[::2]} == {200}, "it lives"
    slowest = max(one.seconds for one in answers)
    figures.keep(6, "pool-health", asked=len(answers), slowest=round(slowest, 2))
    assert slowest < 4


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Nobody reads the table meanwhile."""
    with psycopg.connect(conninfo()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield
        other.rollback()


@contextmanager
def no_connections_left() -> Iterator[None]:
    """End the connections of the server under test, and take all that the database has."""
    with ExitStack() as taken:
        first = taken.enter_context(psycopg.connect(conninfo(), autocommit=True))
        connection.ensure_connection()
        ours = [first.info.backend_pid, connection.connection.info.backend_pid]
        first.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> ALL(%s)",
            [ours],
        )
        # What was just ended leaves its place a moment later.
        for _ in range(3):
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(conninfo()))
            time.sleep(0.2)
        yield
