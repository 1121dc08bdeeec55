"""The database of a backup or a restore: had answering, asked what it is, looked at from elsewhere, renamed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from searchsite.config import Config
from searchsite.ops import guard, places, postgres, process
from searchsite.ops.backups import contents, tools
from searchsite.ops.errors import CannotKeep, CannotStart

# Of the backends of other roles not everybody is told the type.
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = %s AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
AND coalesce(backend_type, 'client backend') = 'client backend'
"""
END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = %s AND application_name = %s AND usename = current_user
"""
# Older servers know fewer of these.
LOCALE = "SELECT pg_encoding_to_char(encoding), to_jsonb(found) FROM pg_database AS found WHERE datname = %s"
PROVIDERS = {"b": ("builtin", "BUILTIN_LOCALE"), "i": ("icu", "ICU_LOCALE")}
# Which server this is, and the number under which it knows a database, whatever its name.
IDENTITY = "SELECT system_identifier::text, pg_database.oid::bigint FROM pg_control_system(), pg_database"
# While folders move nobody may lose patience with a transaction in which nothing happens.
PATIENTLY = """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""
# A machine that is gone without a word would hold the old database renamed for two hours: the server notices in half a
# minute. Over a socket of its own machine Postgres takes these, and needs none of them.
NOTICED = """
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4;
SET tcp_user_timeout = '30s'
"""
STAMP = r"\d{8}_\d{6}"
BEFORE, RESTORED = "before", "restored"
# From which other databases are made and renamed.
HUB = "postgres"
# As many bytes as Postgres keeps of a name.
LONGEST_NAME = 63
SECONDS_TO_START = 600.0
SECONDS_TO_LEAVE = 5.0


@contextmanager
def answering(config: Config) -> Iterator[None]:
    """Have the database answer: that of a house that runs, or the embedded one, started for the while."""
    if config.database_url is not None or postgres.answers(config) is None:
        yield
        return
    with alone(config):
        yield


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Have the database answer to nobody else. The embedded one is started, and made where there is none."""
    if config.database_url is not None:
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(places.only_one(config, "backup"))
        except CannotStart as error:
            raise CannotKeep(f"{error} Stop it first.") from None
        if any(guard.marked(str(config.data_dir))):
            raise CannotKeep("Programs of this house still run: stop them first.")
        places.clear_sockets(config)
        postgres.prepare(config)
        server = process.start(postgres.program(config))
        try:
            _await(config, server)
            yield
        finally:
            connection.close()
            server.stop()


def _await(config: Config, server: process.Running) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while (wrong := postgres.answers(config)) is not None:
        if server.exit_code() is not None or time.monotonic() > until:
            raise CannotKeep(f"The database does not start ({wrong}): {process.last_lines(server.program.log, 2)}")
        time.sleep(0.1)


def name() -> str:
    """The database that the settings name."""
    return str(connection.settings_dict["NAME"])


def require_room_in_name() -> None:
    """Refuse a database whose name leaves no room for what a restore adds to it."""
    longest = LONGEST_NAME - len(f"_{RESTORED}_") - len("YYYYMMDD_HHMMSS")
    if len(name().encode()) > longest:
        raise CannotKeep(f"The database's name is too long for a restore: give it one of {longest} bytes at most.")


@contextmanager
def pointing_at(database: str) -> Iterator[None]:
    """Have Django talk to another database of the same server."""
    before = name()
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def major() -> int:
    """The server's major version."""
    connection.ensure_connection()
    return int(connection.connection.info.server_version) // 10000


def own_connection() -> psycopg.Connection[Any]:
    """A connection beside Django's, without a limit of time."""
    opened: psycopg.Connection[Any] = connection.get_new_connection(connection.get_connection_params())
    opened.autocommit = True
    opened.execute("SET statement_timeout = 0")
    return opened


def require_nobody_else() -> None:
    """Refuse while web server, workers or others are connected."""
    others = int(_value(OTHERS, name()))
    if others:
        raise CannotKeep(f"{others} others are connected to the database: stop the web server, the workers and beat.")


def begin_loading() -> None:
    """Name Django's session as one of a restore, which a settling may end; the server notices soon if we are gone."""
    _value("SELECT set_config('application_name', %s, false)", tools.APPLICATION)
    with connection.cursor() as cursor:
        cursor.execute(NOTICED)


def end_what_loads() -> None:
    """End what a killed restore has left at work in the server, which notices late; refuse while others are there."""
    _value(END, name(), tools.APPLICATION)
    until = time.monotonic() + SECONDS_TO_LEAVE
    while int(_value(OTHERS, name())) and time.monotonic() < until:
        time.sleep(0.1)
    require_nobody_else()


def end_what_exchanges(config: Config) -> None:
    """End the transaction of a restore whose machine is gone: until the server notices nobody gets in."""
    called = _exchanging()
    with elsewhere(config) as server:
        server.execute("SELECT set_config('application_name', %s, false)", [tools.APPLICATION])
        until = time.monotonic() + SECONDS_TO_LEAVE
        while server.execute(END, [HUB, called]).fetchone() != (0,):
            if time.monotonic() > until:
                raise CannotKeep("A restore whose machine is gone still renames the database; the server ends it soon.")
            time.sleep(0.1)


def of_restores(kind: str) -> list[str]:
    """The databases that restores have renamed (BEFORE), or have made and did not get to exchange (RESTORED)."""
    exactly = f"^{re.escape(name())}_{kind}_{STAMP}$"
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY 1", [exactly])
        return [found for (found,) in cursor.fetchall()]


def identity(database: str) -> tuple[str, int]:
    """The server, and the number of a database, which stays the same under another name."""
    with connection.cursor() as cursor:
        cursor.execute(f"{IDENTITY} WHERE datname = %s", [database])
        server, number = cursor.fetchone() or ("", 0)
        return str(server), int(number)


def named(number: int) -> str | None:
    """What the database with this number is called; None where there is none."""
    found = _value("SELECT datname FROM pg_database WHERE oid = %s::oid", str(number))
    return None if found is None else str(found)


@contextmanager
def elsewhere(config: Config) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the server's own database: a database is not renamed from within."""
    reached, password = tools.conninfo(config, HUB)
    connection.close()
    try:
        opened = psycopg.connect(
            reached, password=password, autocommit=True, connect_timeout=5, application_name=_exchanging()
        )
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1]
        raise CannotKeep(f"The database `{HUB}`, from which another is made, cannot be reached: {said}") from None
    with opened:
        opened.execute(NOTICED)
        yield opened


def _exchanging() -> str:
    """What the session is called in which a database of this name is made, renamed or dropped.

    Servers change letters beyond ASCII there, each in its way, and cut what is long.
    """
    return f"restoring {hashlib.sha256(name().encode()).hexdigest()[:32]}"


def make(config: Config, database: str, *, like: str) -> None:
    """Make an empty database with the locale of another."""
    with elsewhere(config) as server:
        words = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database))
        if (row := server.execute(LOCALE, [like]).fetchone()) is not None:
            words += _sorted_as(*row)
        try:
            server.execute(words)
        except psycopg.Error as error:
            raise CannotKeep(f"A database beside the old one cannot be made: {str(error).strip()}.") from None


def _sorted_as(encoding: str, row: Mapping[str, Any]) -> sql.Composed:
    """The words that give a new database the encoding and the locale of one that is there."""
    given = {"ENCODING": encoding, "LC_COLLATE": row["datcollate"], "LC_CTYPE": row["datctype"]}
    provider, locale = PROVIDERS.get(row.get("datlocprovider", ""), ("libc", ""))
    if "datlocprovider" in row:
        given["LOCALE_PROVIDER"] = provider
    if locale:
        given[locale] = row.get("datlocale") or row.get("daticulocale")
    if row.get("daticurules"):
        given["ICU_RULES"] = row["daticurules"]
    words = sql.SQL(" {} {}")
    return sql.Composed([words.format(sql.SQL(word), sql.Literal(value)) for word, value in given.items()])


def have_extensions(config: Config, database: str) -> None:
    """Make what tables need: of an embedded database pg_dump takes them for a part of Postgres, and leaves them out."""
    reached, password = tools.conninfo(config, database)
    with psycopg.connect(reached, password=password, autocommit=True) as opened:
        for one in postgres.EXTENSIONS:
            try:
                opened.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(one)))
            except psycopg.Error as error:
                raise CannotKeep(f"The extension {one} cannot be made: {str(error).strip()}.") from None


def drop(config: Config, database: str) -> None:
    """Drop a database that a restore made or moved aside. Raises CannotKeep where somebody is connected to it."""
    with elsewhere(config) as server:
        try:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database)))
        except psycopg.Error as error:
            raise CannotKeep(f"{database} cannot be dropped: {str(error).strip().splitlines()[0]}.") from None


@contextmanager
def taking_the_place(config: Config, new: str, *, of: str, old: str) -> Iterator[None]:
    """Rename the old database aside and the new one into its place, both or neither, after what is done meanwhile.

    Where somebody is connected to one of them it fails before anything is done, and whoever comes now waits.
    """
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with elsewhere(config) as server:
        try:
            with server.transaction():
                server.execute(PATIENTLY)
                server.execute(contents.DURABLY)
                server.execute(rename.format(sql.Identifier(of), sql.Identifier(old)))
                server.execute(rename.format(sql.Identifier(new), sql.Identifier(of)))
                yield
        except psycopg.Error as error:
            raise CannotKeep(f"The old database cannot be moved aside: {str(error).strip()}.") from None


def _value(statement: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return (cursor.fetchone() or (None,))[0]
