"""An update of a house that is at work: its tables change, and nobody waits for that."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from tests import house

pytestmark = pytest.mark.django_db(transaction=True)
PUT_IN = """
INSERT INTO job (kind, queue, lane, team_id, subject, input_hash, state, token, attempts, deaths, last_error)
VALUES ('embed', 'embed', 5, 1, %s, '', 'ready', 0, 0, 0, '')
"""
BUILDING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX%%job_lines%%'"
)
WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    """The connection of a program that works on while tables change."""
    with connection.get_new_connection(connection.get_connection_params()) as opened:
        opened.autocommit = True
        yield opened


@pytest.fixture
def earlier() -> Iterator[None]:
    """The tables as they were before claims had their index."""
    call_command("migrate", "jobs", "0004", verbosity=0)
    yield
    call_command("migrate", "jobs", verbosity=0)


class Migrating(threading.Thread):
    """Brings the tables up to date."""

    failed = False

    def run(self) -> None:
        try:
            call_command("migrate", "jobs", "0005", verbosity=0)
        except OperationalError:
            self.failed = True
        finally:
            connection.close()


def whole(name: str) -> bool | None:
    """Whether an index is complete; None: there is no such index."""
    with connection.cursor() as cursor:
        cursor.execute(WHOLE, [name])
        found = cursor.fetchone()
    return found and found[0]


def builder(database: psycopg.Connection) -> int | None:
    found = database.execute(BUILDING).fetchone()
    return found and found[0]


def test_jobs_are_put_in_while_their_index_is_built(earlier, other):
    """Somebody's long transaction holds the build up, and neither holds up anybody else."""
    with connection.get_new_connection(connection.get_connection_params()) as slow:
        slow.execute(PUT_IN, [1])
        migrating = Migrating()
        migrating.start()
        house.wait_until(lambda: builder(other) is not None, seconds=20)
        other.execute("SET lock_timeout = '3s'")
        other.execute(PUT_IN, [2])
        assert builder(other) is not None, "it is being built still"
        slow.commit()
    migrating.join(60)
    assert not migrating.failed
    assert (whole("job_lines"), whole("job_ready")) == (True, None)


def test_the_limit_of_a_statement_is_afterwards_what_it_was_before(earlier):
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '7min'")
        MigrationExecutor(connection).migrate([("jobs", "0005_lines")])
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7min",)
    assert whole("job_lines")
    connection.close()


def test_a_build_that_is_cut_off_begins_anew(earlier, other):
    with connection.get_new_connection(connection.get_connection_params()) as slow:
        slow.execute(PUT_IN, [1])
        cut_off = Migrating()
        cut_off.start()
        house.wait_until(lambda: builder(other) is not None and whole("job_lines") is False, seconds=20)
        other.execute("SELECT pg_terminate_backend(%s)", [builder(other)])
        cut_off.join(60)
        slow.commit()
    assert cut_off.failed
    assert (whole("job_lines"), whole("job_ready")) == (False, True)
    again = Migrating()
    again.start()
    again.join(60)
    assert not again.failed
    assert (whole("job_lines"), whole("job_ready")) == (True, None)
