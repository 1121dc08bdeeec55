"""What tests of backups share: commands in processes of their own, and databases beside the tests' own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connection

from searchsite import config as configuration
from tests.house import MANAGE, ROOT


def url(database: str | None = None) -> str:
    """Where a database of the tests' server is found; that of the tests if none is named."""
    named = database or connection.settings_dict["NAME"]
    return f"host={configuration.load().socket_dir} user=searchsite dbname={named}"


def manage(*words: str, media: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, on the tests' database if none is named."""
    settings = {"MEDIA_ROOT": str(media), "DATABASE_URL": url(), **environment}
    return subprocess.run(
        [*MANAGE, *words], env={**os.environ, **settings}, cwd=ROOT, capture_output=True, text=True, check=False
    )


def backed_up(place: Path, media: Path, *words: str) -> Path:
    done = manage("backup", str(place), *words, media=media)
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.is_dir()
    return place


@contextmanager
def database(name: str, like: str = "searchsite") -> Iterator[str]:
    """A copy of a database of the tests' server: an empty one, with extensions as an embedded one has them."""
    with psycopg.connect(url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        try:
            yield name
        finally:
            for (one,) in server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"]):
                server.execute(f'DROP DATABASE "{one}" WITH (FORCE)'.encode())


def databases(name: str) -> list[str]:
    """The names of all databases that begin with this one."""
    with psycopg.connect(url("postgres")) as server:
        found = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", [f"{name}%"])
        return [one for (one,) in found]


def ask(name: str, statement: str) -> int:
    with psycopg.connect(url(name)) as opened:
        (number,) = opened.execute(statement.encode()).fetchone() or (0,)
        return int(number)
