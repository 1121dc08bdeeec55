"""A house as it was, a backup of what it became, and a warm process that restores it and dies where it is told to."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import override_settings
from pydantic import SecretStr

from searchsite.config import Config
from searchsite.library import trash
from searchsite.ops import places
from searchsite.ops.backups import journal, layout, saving
from tests import emptying, made, servers
from tests.house import ROOT
from tests.ops import dying
from tests.ops.keeping import database, databases, url

KILLED = -signal.SIGKILL
NAME = "exchanged"


@dataclass(frozen=True)
class State:
    """Which items a database names, and which files lie there."""

    items: frozenset[str]
    files: frozenset[str]


@dataclass
class Site:
    """A house as it was (`old`), a backup of what it became (`new`), and the process whose children do everything."""

    home: Path
    old: State
    new: State
    old_media: Path
    backup: Path
    warm: subprocess.Popen[str]
    said: str = ""

    def do(self, *words: str, die_at: str = "") -> int:
        assert self.warm.stdin is not None and self.warm.stdout is not None
        file = self.home.with_name("said")
        asked = {"deed": "command", "die_at": die_at, "words": words, "said": str(file)}
        self.warm.stdin.write(json.dumps(asked) + "\n")
        self.warm.stdin.flush()
        code = int(self.warm.stdout.readline())
        self.said = file.read_text(encoding="utf-8")
        return code

    def restore(self, *words: str, die_at: str = "") -> int:
        return self.do("restore", str(self.backup), *words, die_at=die_at)


def state(name: str, media: Path) -> State:
    """What is there now."""
    with psycopg.connect(url(name)) as opened:
        there = opened.execute("SELECT to_regclass('public.item') IS NOT NULL").fetchone() == (True,)
        items = opened.execute("SELECT title FROM item").fetchall() if there else []
    stored = [path for path in media.glob("??/??/*") if re.fullmatch("[0-9a-f]{64}", path.name)]
    return State(frozenset(title for (title,) in items), frozenset(path.name for path in stored))


def save(place: Path, media: Path) -> Path:
    """A backup of the tests' own database."""
    shown = saving.Shown(*(lambda told: None for _ in range(4)))
    config = Config(media_root=media, database_url=SecretStr(url()))
    return saving.save(place, config, shown, derivatives=True)[0]


@pytest.fixture(scope="module")
def everything(django_db_setup: None, django_db_blocker) -> Iterator[Site]:
    """Made once for a file of tests: a copy of the database and the files at one time, and a backup of a later one."""
    home = servers.directory() / "cut off"
    media, old_media = home / "media", home / "old"
    media.mkdir(parents=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home)
        with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), emptied():
            alice = made.person("alice")
            place = made.place(alice, made.team_of(alice))
            made.note(place, "Tulips want sun.", title="tulips")
            navy = made.picture(place, "navy", title="navy")
            shutil.copytree(media, old_media)
            connection.close()
            stack.enter_context(database("as_it_was", like=connection.settings_dict["NAME"]))
            old = state("as_it_was", media)
            made.picture(place, "red", title="red")
            trash.trash(navy)
            trash.delete_now([navy.pk], scope=place.scope)
            new = state(connection.settings_dict["NAME"], media)
            backup = save(home / "backup", media)
        shutil.rmtree(media)
        yield Site(media, old, new, old_media, backup, stack.enter_context(warm(media)))


@contextmanager
def emptied() -> Iterator[None]:
    """Leave the tests' own database as empty as it was."""
    try:
        yield
    finally:
        emptying.empty()
        connection.close()


@contextmanager
def warm(media: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "MEDIA_ROOT": str(media), "DATABASE_URL": url(NAME)}
    environment |= {"DJANGO_SETTINGS_MODULE": "searchsite.settings", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(
        [sys.executable, "-c", dying.START],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield process
    process.communicate(timeout=20)


FULL, EMPTY = "as_it_was", "searchsite"


@contextmanager
def beginning(everything: Site, kind: str) -> Iterator[Site]:
    """The house as it was, or its files and an empty database."""
    shutil.copytree(everything.old_media, everything.home)
    try:
        with database(NAME, like=kind):
            yield everything
    finally:
        shutil.rmtree(everything.home)


@pytest.fixture
def site(everything: Site) -> Iterator[Site]:
    """The house as it was."""
    with beginning(everything, FULL):
        yield everything


def look_over(site: Site, wanted: State) -> None:
    """Both are of the same time, and all the rest can go."""
    assert state(NAME, site.home) == wanted
    assert not (site.home / places.JOURNAL).exists()
    if wanted.items:
        assert site.do("doctor", "--integrity") == 0, site.said
    assert site.do("restore", "--forget-old") == 0, site.said
    assert "Kept" not in site.said
    assert databases(NAME) == [NAME]
    assert [path.name for path in site.home.iterdir() if not layout.is_ours(path.name)] == [journal.LOCK]
    assert state(NAME, site.home) == wanted
