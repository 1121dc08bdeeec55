"""A restore is killed at each of its steps: files and database are both the old ones or both the new ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import override_settings
from pydantic import SecretStr

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.library import files, trash
from searchsite.ops import places
from searchsite.ops.backups import journal, layout, saving
from searchsite.ops.backups.database import taking_the_place
from searchsite.ops.errors import CannotKeep
from searchsite.steps import Keeping
from tests import emptying, figures, made, servers
from tests.house import ROOT, wait_until
from tests.ops import dying
from tests.ops.keeping import ask, database, databases, manage, url

pytestmark = pytest.mark.django_db(transaction=True)
KILLED = -signal.SIGKILL
NAME = "exchanged"
RESTORE = [step for step in Keeping if step.startswith("restore.")]
COMES = {Keeping.RESTORE_EXCHANGED, Keeping.RESTORE_ENDED}


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
    """Made once: a copy of the database and the files at one time, and a backup of a later one."""
    home = servers.directory() / "cut off"
    media, old_media = home / "media", home / "old"
    media.mkdir(parents=True)
    with ExitStack() as stack:
        with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media):
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
            emptying.empty()
            connection.close()
        shutil.rmtree(media)
        yield Site(media, old, new, old_media, backup, stack.enter_context(warm(media)))


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
# One of each kind; the others are variations of them.
SHORT = {
    (FULL, Keeping.RESTORE_FILLED),
    (FULL, Keeping.RESTORE_OLD_BEGUN),
    (FULL, Keeping.RESTORE_NEW_MOVED),
    (FULL, Keeping.RESTORE_EXCHANGED),
    (EMPTY, Keeping.RESTORE_FILLED),
    (EMPTY, Keeping.RESTORE_NEW_BEGUN),
}
ALL = [
    pytest.param(kind, step, marks=[] if (kind, step) in SHORT else [pytest.mark.long])
    for kind in (FULL, EMPTY)
    for step in RESTORE
]


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


@pytest.fixture(scope="module")
def counted() -> Iterator[set[str]]:
    killed: set[str] = set()
    yield killed
    if len(killed) == 2 * len(RESTORE):
        figures.keep(8, "cut-off", killed=len(killed), mixed=0)


@pytest.mark.parametrize(("kind", "step"), ALL)
def test_a_restore_that_is_killed_has_come_through_or_has_changed_nothing(everything, counted, kind, step):
    with beginning(everything, kind) as site:
        before = state(NAME, site.home)
        assert before == State(site.old.items if kind == FULL else frozenset(), site.old.files)
        assert site.restore("--move-aside", die_at=step) == KILLED, f"nobody came by {step}: {site.said}"
        # What each start does, or who was told to by the refusal of the others.
        words = ("prepare",) if kind == FULL else ("restore", "--settle")
        assert site.do(*words) == 0, site.said
        look_over(site, site.new if step in COMES else before)
        counted.add(f"{kind} {step}")


def test_until_it_is_settled_nobody_serves_repairs_backs_up_or_forgets(site):
    assert site.restore("--move-aside", die_at=Keeping.RESTORE_NEW_BEGUN) == KILLED
    mixed = sorted(path.name for path in site.home.iterdir())
    others = [
        ("doctor", "--integrity"),
        ("ingest", __file__),
        ("make_items", "--count", "1"),
        ("reindex", "--yes"),
        ("migrate",),
        ("backup", str(site.home.with_name("of a mixture"))),
        ("restore", "--forget-old"),
    ]
    for words in others:
        assert site.do(*words) == 1 and "`manage.py restore --settle` brings it to an end" in site.said, words
    served = manage("serve", "web", media=site.home, DATABASE_URL=url(NAME))
    assert served.returncode == 1 and "files and database may not fit together" in served.stderr
    door = [sys.executable, "-c", "import searchsite.wsgi"]
    environment = {**os.environ, "MEDIA_ROOT": str(site.home), "DATABASE_URL": url(NAME)}
    opened = subprocess.run(door, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert opened.returncode == 1 and "files and database may not fit together" in opened.stderr
    assert sorted(path.name for path in site.home.iterdir()) == mixed
    # Another database than then may have nothing to do with these files.
    with database("another", like=FULL):
        asked = manage("restore", "--settle", media=site.home, DATABASE_URL=url("another"))
        assert asked.returncode == 1 and "this is not the database `exchanged`" in asked.stderr
    assert site.restore("--move-aside") == 0, site.said
    assert "was undone" in site.said
    look_over(site, site.new)


@pytest.mark.parametrize("step", [Keeping.SETTLE_BEGUN, pytest.param(Keeping.SETTLE_EMPTIED, marks=pytest.mark.long)])
def test_settling_may_be_killed_too(everything, step):
    with beginning(everything, EMPTY) as site:
        assert site.restore(die_at=Keeping.RESTORE_NEW_MOVED) == KILLED
        assert site.do("restore", "--settle", die_at=step) == KILLED
        assert site.do("restore", "--settle") == 0, site.said
        look_over(site, State(frozenset(), site.old.files))


def test_a_restored_house_gives_its_first_user_no_new_password(site):
    marker = configuration.load().data_dir / "first-run"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    assert site.restore("--move-aside", die_at=Keeping.RESTORE_NEW_MOVED) == KILLED
    assert site.do("restore", "--settle") == 0 and marker.exists(), site.said
    assert site.restore("--move-aside", die_at=Keeping.RESTORE_EXCHANGED) == KILLED
    assert site.do("restore", "--settle") == 0 and not marker.exists(), site.said


def test_old_files_are_kept_as_long_as_their_database_is_in_use(site):
    assert site.restore("--move-aside") == 0, site.said
    (aside,) = site.home.glob("before-restore-*")
    (kept,) = databases(f"{NAME}_before_")
    with psycopg.connect(url(kept)):
        assert site.do("restore", "--forget-old") == 0
    assert aside.exists() and databases(f"{NAME}_before_") == [kept]
    assert site.said.count("Kept: ") == 2 and "is being accessed by other users" in site.said
    # Somebody goes back by hand: the database first.
    with psycopg.connect(url("postgres"), autocommit=True) as server:
        server.execute(f"ALTER DATABASE {NAME} RENAME TO {NAME}_given_up")
        server.execute(f"ALTER DATABASE {kept} RENAME TO {NAME}")
    assert site.do("restore", "--forget-old") == 0
    assert aside.exists() and f"Kept: {aside}: its database is there, as {NAME}." in site.said


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


NOT_THE_FIRST_TIME = """
CREATE SCHEMA theirs;
CREATE SEQUENCE theirs.times;
CREATE FUNCTION theirs.once() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('theirs.times') = 1 THEN RAISE EXCEPTION 'not the first time'; END IF;
END $$;
CREATE EVENT TRIGGER once ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION theirs.once();
"""


@pytest.mark.parametrize("step", [Keeping.RESTORE_OLD_MOVED, Keeping.RESTORE_NEW_MOVED])
def test_what_somebody_puts_in_before_it_is_settled_is_not_lost(site, step):
    assert site.restore("--move-aside", die_at=step) == KILLED
    folders = [path.name for path in site.old_media.iterdir() if len(path.name) == 2] + ["77"]
    put_in = [put(site.home, f"{folder}{number:062x}") for folder in folders for number in (1, 2)]
    # The same was there before.
    (old, *_) = sorted(site.old.files)
    put(site.home, old)
    assert site.do("restore", "--settle", die_at=Keeping.SETTLE_FILES_BACK) == KILLED
    assert site.do("restore", "--settle") == 0, site.said
    assert "was undone" in site.said
    found = state(NAME, site.home)
    assert (found.items, found.files) == (site.old.items, site.old.files | set(put_in))
    here, before = (media / files.relative_path(old) for media in (site.home, site.old_media))
    assert here.read_bytes() == before.read_bytes()
    assert not (site.home / ".restoring").exists() and not list(site.home.glob("before-restore-*"))


def test_what_is_put_in_while_the_clock_steps_back_is_not_lost(site):
    assert site.restore("--move-aside", die_at=Keeping.RESTORE_NEW_MOVED) == KILLED
    # Seen from the journal, all that follows is of an hour ago.
    noted = site.home / places.JOURNAL
    os.utime(noted, (noted.stat().st_atime, noted.stat().st_mtime + 3600))
    put_in = put(site.home, f"{min(site.new.files)[:2]}{7:062x}")
    assert site.do("restore", "--settle") == 0, site.said
    assert state(NAME, site.home) == State(site.old.items, site.old.files | {put_in})


def put(media: Path, name: str) -> str:
    """A file in its place, whatever it holds."""
    path = media / files.relative_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"put in since")
    return name


def test_what_somebody_makes_in_an_empty_database_is_not_taken_for_what_was_restored(everything):
    with beginning(everything, EMPTY) as site:
        assert site.restore(die_at=Keeping.RESTORE_NOTED) == KILLED
        with psycopg.connect(url(NAME)) as opened:
            opened.execute("CREATE TABLE theirs AS SELECT 7 AS number")
        assert site.do("restore", "--settle") == 0, site.said
        assert "was undone" in site.said
        assert ask(NAME, "SELECT number FROM theirs") == 7
        assert state(NAME, site.home) == State(frozenset(), site.old.files)


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


def test_a_restore_that_fails_after_it_has_filled_an_empty_database_empties_it_again(everything):
    with beginning(everything, EMPTY) as site:
        with psycopg.connect(url(NAME)) as opened:
            opened.execute(NOT_THE_FIRST_TIME)
        # The mark goes when all has been filled in and has moved.
        assert site.restore() != 0
        assert ask(NAME, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert ask(NAME, "SELECT last_value FROM theirs.times") > 1
        look_over(site, State(frozenset(), site.old.files))
        assert site.restore() == 0, site.said
        look_over(site, site.new)
