"""Others connect while a restore is under way, the server hurries or tarries: nothing is lost, nothing is mixed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import psycopg
import pytest
from django.db import OperationalError, connection
from pydantic import SecretStr

from searchsite.config import Config
from searchsite.ops import places
from searchsite.ops.backups import exchange, layout
from searchsite.ops.backups.database import begin_loading, elsewhere, end_what_exchanges, taking_the_place
from searchsite.ops.errors import CannotKeep
from searchsite.steps import Keeping
from tests.house import wait_until
from tests.ops.cutting import EMPTY, KILLED, NAME, State, beginning, everything, look_over, site, state
from tests.ops.keeping import ask, database, databases, url

__all__ = ["everything", "site"]
pytestmark = pytest.mark.django_db(transaction=True)
END_IT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = 'postgres' AND state = 'idle in transaction' AND query LIKE 'ALTER DATABASE%'
"""


def test_who_connects_while_it_is_loaded_keeps_all_files_where_they_are(site):
    restoring = threading.Thread(target=site.restore, args=("--move-aside",))
    restoring.start()
    wait_until(lambda: len(databases(NAME)) == 2)
    moved = False
    with psycopg.connect(url(NAME)):
        while restoring.is_alive():
            moved = moved or any(site.home.glob("before-restore-*"))
            time.sleep(0.002)
    restoring.join()
    assert "is being accessed by other users" in site.said
    assert not moved
    look_over(site, site.old)


def test_who_connects_while_files_move_waits_and_a_lost_connection_changes_nothing(site):
    config = Config(media_root=site.home, database_url=SecretStr(url(NAME)))
    lost = pytest.raises(CannotKeep, match="terminating connection")
    with database(f"{NAME}_new", like=EMPTY) as new, lost, taking_the_place(config, new, of=NAME, old=f"{NAME}_old"):
        for name in (NAME, new):
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                psycopg.connect(url(name), connect_timeout=2)
        assert ask("postgres", END_IT) == 1
    assert state(NAME, site.home) == site.old


HURRIED = {
    "idle_in_transaction_session_timeout": "100ms",
    "statement_timeout": "100ms",
    "synchronous_commit": "off",
}


@contextmanager
def hurried() -> Iterator[None]:
    """A server that ends whoever hesitates, and answers before a change is on the disk."""
    with psycopg.connect(url("postgres"), autocommit=True) as server:
        for name, value in HURRIED.items():
            server.execute(f"ALTER ROLE searchsite IN DATABASE postgres SET {name} = '{value}'".encode())
        try:
            yield
        finally:
            server.execute("ALTER ROLE searchsite IN DATABASE postgres RESET ALL")


def test_files_may_move_for_long_and_the_commit_is_on_the_disk(site, monkeypatch):
    sessions = []

    @contextmanager
    def watched(config: Config) -> Iterator[psycopg.Connection]:
        with elsewhere(config) as server:
            sessions.append(server)
            yield server

    monkeypatch.setattr("searchsite.ops.backups.database.elsewhere", watched)
    config = Config(media_root=site.home, database_url=SecretStr(url(NAME)))
    with database(f"{NAME}_new", like=EMPTY) as new:
        with hurried(), taking_the_place(config, new, of=NAME, old=f"{NAME}_old"):
            time.sleep(0.3)
            assert sessions[0].execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert databases(NAME) == [NAME, f"{NAME}_old"]
        assert state(f"{NAME}_old", site.home) == site.old


LOOKED_AT = f"""
CREATE SCHEMA theirs;
CREATE TABLE theirs.seen (number serial, tag text, said text);
CREATE FUNCTION theirs.look() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO theirs.seen (tag, said) VALUES (tg_tag, current_setting('synchronous_commit'));
END $$;
CREATE EVENT TRIGGER look ON ddl_command_start WHEN TAG IN ('COMMENT', 'DROP TABLE') EXECUTE FUNCTION theirs.look();
ALTER DATABASE {NAME} SET synchronous_commit = 'off';
"""
# The last remark is that of which restore has filled it.
LAST = "SELECT (said = 'on')::int FROM theirs.seen WHERE tag = '{}' ORDER BY number DESC LIMIT 1"


@pytest.mark.parametrize(("step", "tag"), [("", "COMMENT"), (Keeping.RESTORE_FILLED, "DROP TABLE")])
def test_that_a_database_is_whole_or_empty_is_on_the_disk_before_files_follow(everything, step, tag):
    with beginning(everything, EMPTY) as site:
        with psycopg.connect(url(NAME)) as opened:
            opened.execute(LOOKED_AT)
        assert site.restore(die_at=step) == (KILLED if step else 0), site.said
        assert site.do("restore", "--settle") == 0, site.said
        assert ask(NAME, LAST.format(tag)) == 1


def test_who_connects_while_an_empty_database_is_filled_keeps_all_files_where_they_are(everything):
    with beginning(everything, EMPTY) as site:
        with psycopg.connect(url(NAME)) as opened:
            opened.execute(SLOW_INDEXES)
        restoring = threading.Thread(target=site.restore)
        restoring.start()
        wait_until((site.home / places.JOURNAL).exists)
        moved = False
        with psycopg.connect(url(NAME)):
            while restoring.is_alive():
                moved = moved or any(site.home.glob("before-restore-*"))
                time.sleep(0.002)
        restoring.join()
        assert "1 others are connected to the database" in site.said
        assert not moved
        assert site.do("restore", "--settle") == 0, site.said
        look_over(site, State(frozenset(), site.old.files))


def test_settling_ends_the_transaction_of_a_machine_that_is_gone(site):
    """The server has not noticed yet, and holds the old database renamed."""
    assert site.restore("--move-aside", die_at=Keeping.RESTORE_NEW_MOVED) == KILLED
    (new,) = databases(f"{NAME}_restored")
    with (
        pointed_at(NAME) as config,
        pytest.raises(CannotKeep, match="terminating connection"),
        taking_the_place(config, new, of=NAME, old=f"{NAME}_old"),
    ):
        assert site.do("restore", "--settle") == 0, site.said
    look_over(site, site.old)


@contextmanager
def pointed_at(name: str) -> Iterator[Config]:
    """Have Django's own connection talk to another database, without one that is open."""
    connection.close()
    with patch.object(connection, "settings_dict", {**connection.settings_dict, "NAME": name}):
        yield Config(database_url=SecretStr(url(name)))
        connection.close()


def test_settling_ends_the_sessions_of_a_machine_that_is_gone_while_it_filled_an_empty_database(everything):
    """That is two: of what loads the dump, and our own, which waits for it."""
    with beginning(everything, EMPTY) as site, pointed_at(NAME) as config:
        (site.home / layout.STAGING).mkdir()

        def load() -> None:
            assert site.do("restore", "--settle") == 0, site.said

        with pytest.raises(OperationalError):
            exchange.fill(config.model_copy(update={"media_root": site.home}), load, stamp="20260101_000000")
        look_over(site, State(frozenset(), site.old.files))


@pytest.mark.parametrize("name", [NAME, "größe", "библиотека", "g" * 63])
def test_the_transaction_of_a_machine_that_is_gone_is_known_by_any_name_of_a_database(name):
    with (
        pointed_at(name) as config,
        pytest.raises(psycopg.OperationalError, match="terminating connection"),
        elsewhere(config) as server,
    ):
        end_what_exchanges(config)
        server.execute("SELECT 1")


NOTICED = "SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE 'tcp%'"


def test_the_server_is_told_to_notice_soon_when_a_machine_is_gone():
    """Over a socket of its own machine Postgres shows none of these, but says that they were given."""
    with pointed_at(connection.settings_dict["NAME"]) as config:
        with elsewhere(config) as server:
            assert server.execute(NOTICED).fetchone() == (4,)
        begin_loading()
        with connection.cursor() as cursor:
            cursor.execute(NOTICED)
            assert cursor.fetchone() == (4,)


SLOW_INDEXES = """
CREATE SCHEMA theirs;
CREATE FUNCTION theirs.slowly() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); END';
CREATE EVENT TRIGGER slowly ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION theirs.slowly();
"""
OTHERS = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{NAME}'"


def test_what_loads_the_dump_does_not_outlive_the_restore(everything):
    with beginning(everything, EMPTY) as site:
        with psycopg.connect(url(NAME)) as opened:
            opened.execute(SLOW_INDEXES)
        assert site.restore(die_at=Keeping.RESTORE_LOADING) == KILLED
        assert site.do("restore", "--settle") == 0, site.said
        # Whoever had all of the dump would now go on alone, and commit it.
        wait_until(lambda: ask("postgres", OTHERS) == 0, seconds=20)
        look_over(site, State(frozenset(), site.old.files))
        assert site.restore() == 0, site.said
        assert state(NAME, site.home) == site.new


def test_a_database_that_somebody_looks_at_is_not_emptied(everything):
    with beginning(everything, EMPTY) as site:
        assert site.restore(die_at=Keeping.RESTORE_FILLED) == KILLED
        with psycopg.connect(url(NAME)):
            assert site.do("restore", "--settle") == 1
            assert "1 others are connected to the database" in site.said
        assert site.do("restore", "--settle") == 0, site.said
        look_over(site, State(frozenset(), site.old.files))
