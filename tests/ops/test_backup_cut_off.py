"""A restore is killed at each of its steps: files and database are both the old ones or both the new ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from searchsite import config as configuration
from searchsite.library import files
from searchsite.steps import Keeping
from tests import figures
from tests.house import ROOT
from tests.ops.cutting import EMPTY, FULL, KILLED, NAME, State, beginning, everything, look_over, site, state
from tests.ops.keeping import ask, database, databases, manage, url

__all__ = ["everything", "site"]
pytestmark = pytest.mark.django_db(transaction=True)
RESTORE = [step for step in Keeping if step.startswith("restore.")]
COMES = {Keeping.RESTORE_EXCHANGED, Keeping.RESTORE_ENDED}
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
    for words in (("clearsessions",), ("shell", "-c", "pass")):
        foreign = manage(*words, media=site.home, DATABASE_URL=url(NAME))
        assert foreign.returncode == 1 and "files and database may not fit together" in foreign.stderr, words
    assert manage("showmigrations", "library", media=site.home, DATABASE_URL=url(NAME)).returncode == 0
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
    # Seen from what the restore has written, all that follows is of an hour ago.
    for path in (site.home, *site.home.rglob("*")):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 3600))
    put_in = put(site.home, f"{min(site.new.files)[:2]}{7:062x}")
    # What the backup has brought already is put in its place anew.
    twice = min(site.new.files - site.old.files)
    copy = shutil.copy2(site.home / files.relative_path(twice), site.home / "copy")
    copy.replace(site.home / files.relative_path(twice))
    assert site.do("restore", "--settle") == 0, site.said
    assert state(NAME, site.home) == State(site.old.items, site.old.files | {put_in, twice})


def test_who_may_not_look_is_told_so(tmp_path):
    """A name that is too long stands for a folder of another user, since root looks into all."""
    nowhere = tmp_path / ("x" * 300)
    for words in (("shell", "-c", "pass"), ("doctor",), ("restore", "--settle")):
        told = manage(*words, media=nowhere)
        assert told.returncode == 1 and "Is this the user that searchsite runs as?" in told.stderr, words
        assert "Traceback" not in told.stderr
    for words in ((), ("--version",), ("help",)):
        assert manage(*words, media=nowhere).returncode == 0, words


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
