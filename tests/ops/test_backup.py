"""`manage.py backup` and `restore`: what was there at one moment is there again, or nothing changes."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from searchsite.config import Config
from searchsite.jobs.models import Job, State
from searchsite.library import blobs, files, intake, orphans, trash
from searchsite.library.models import Blob, Item, Upload
from searchsite.library.scope import Scope
from searchsite.ops import places, postgres, process
from searchsite.ops.backups import manifest, restoring, saving
from searchsite.ops.errors import CannotKeep
from searchsite.search import find
from searchsite.search.questions import Question, Term
from tests import figures, made, servers
from tests.house import MANAGE, ROOT, wait_until
from tests.ops.keeping import ask, backed_up, database, manage, url
from tests.people import alice, inbox, team
from tests.served import fake

__all__ = ["alice", "fake", "inbox", "team"]
pytestmark = pytest.mark.django_db(transaction=True)
WORDS = ["tulip", "river", "bridge", "winter", "garden", "red", "boat", "night", "tower", "rain", "market", "window"]
QUESTIONS = 20


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


def picture(place: intake.Place, words: str) -> Item:
    return intake.add_file(io.BytesIO(made.drawn("navy", words)), f"{words}.jpg", into=place).item


def fill(place: intake.Place, number: int) -> None:
    chosen = random.Random(7)
    for one in range(number):
        made.note(place, f"{' '.join(chosen.sample(WORDS, 4))} {one}", title=f"{chosen.choice(WORDS)} {one}")
    for one in range(number // 10):
        picture(place, f"{chosen.choice(WORDS)} {one}")


def answers(scope: Scope) -> list[list[str]]:
    """The first ten of twenty questions."""
    chosen = random.Random(11)
    asked = [" ".join(chosen.sample(WORDS, 2)) for _ in range(QUESTIONS)]
    found = [find.find(Question((Term(text=text),)), scope) for text in asked]
    return [[str(hit.item.id) for hit in one.hits[:10]] for one in found]


class Busy:
    """Somebody who puts things in and throws some away for good, all the while."""

    def __init__(self, place: intake.Place) -> None:
        self.place, self.stop, self.number = place, threading.Event(), 0
        self.thread = threading.Thread(target=self._go)

    def __enter__(self) -> Busy:
        self.thread.start()
        wait_until(lambda: self.number > 3)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _go(self) -> None:
        try:
            while not self.stop.is_set():
                made.note(self.place, f"something new {self.number}")
                item = picture(self.place, f"new {self.number}")
                if self.number % 3 == 0:
                    trash.trash(item)
                    trash.delete_now([item.pk], scope=self.place.scope)
                self.number += 1
        finally:
            connection.close()


@contextmanager
def in_the_house(directory: Path, settings) -> Iterator[None]:
    """The embedded database of a restored house, which Django talks to meanwhile."""
    config = Config(data_dir=directory / "data")
    before = dict(connection.settings_dict), settings.MEDIA_ROOT
    server = process.start(postgres.program(config, **servers.IN_A_HURRY))
    try:
        servers.wait_until(lambda: postgres.answers(config), server)
        connection.close()
        connection.settings_dict.update(HOST=str(config.socket_dir), NAME="searchsite")
        settings.MEDIA_ROOT = directory / "media"
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before[0])
        settings.MEDIA_ROOT = before[1]
        server.stop()


def test_a_backup_made_during_writes_finds_the_same_in_a_new_house(inbox, fake, media, settings):
    fill(inbox, 60)
    made.work_through_everything()
    bob = made.person("bob")
    others = made.place(bob, made.team_of(bob, "quay"))
    Job.objects.filter(kind="embed").update(state=State.RUNNING, attempts=1, lease_until="2030-01-01T00:00Z")
    running = Job.objects.filter(state=State.RUNNING).count()
    with Busy(others) as busy:
        before = Item.objects.count()
        place = backed_up(media.parent / "backup", media)
        after = busy.number
    assert after > 5
    wanted = answers(inbox.scope)
    assert all(wanted) and len({tuple(one) for one in wanted}) > 10
    home = servers.directory() / "restored"
    done = manage("restore", str(place), media=home / "media", DATA_DIR=str(home / "data"), DATABASE_URL="")
    assert done.returncode == 0, done.stdout + done.stderr
    with in_the_house(home, settings):
        assert before <= Item.objects.count()
        found = answers(inbox.scope)
        same = sum(one == other for one, other in zip(found, wanted, strict=True))
        assert same == QUESTIONS
        said = io.StringIO()
        call_command("doctor", "--integrity", stdout=said)
        assert said.getvalue() == "All is well.\n"
        assert not Job.objects.filter(state=State.RUNNING).exists()
        assert Job.objects.filter(state=State.READY, attempts=0, kind="embed").count() >= running
        assert Blob.objects.count() == json.loads((place / "manifest.json").read_text())["counts"]["blob"]
    figures.keep(8, "restore", queries=QUESTIONS, same=same, put_in_meanwhile=2 * after)


def begin_upload(place: intake.Place) -> None:
    Upload.objects.create(
        team_id=place.scope.team_id,
        owner_id=place.scope.user_id,
        collection=place.collection,
        name="film.jpg",
        size=10,
        expires_at="2030-01-01T00:00Z",
    )


@pytest.fixture
def small(inbox, fake, media) -> Path:
    """A backup of a note and a picture that are done."""
    made.note(inbox, "Tulips want sun.")
    made.picture(inbox)
    made.work_through_everything()
    begin_upload(inbox)
    return backed_up(media.parent / "small", media)


def test_only_its_owner_may_read_a_backup(small):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [small, *small.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in small.rglob("*") if path.is_file()} == {0o600}
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=small, check=False)
    assert checked.returncode == 0
    assert {path.name for path in small.iterdir()} == {"manifest.json", "SHA256SUMS", "database.dump", "media"}


def broken(small: Path, how: str) -> None:
    stored = next(path for path in sorted((small / "media").rglob("*")) if path.is_file())
    match how:
        case "changed":
            stored.write_bytes(stored.read_bytes()[:-1] + b"!")
        case "missing":
            stored.unlink()
        case "cut":
            dump = small / "database.dump"
            dump.write_bytes(dump.read_bytes()[:1000])
        case "no end":
            sums = small / "SHA256SUMS"
            sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:-1]))
        case "elsewhere":
            (small / "SHA256SUMS").write_text(f"{'0' * 64}  media/../../etc/passwd\n")
        case "counts":
            said = json.loads((small / "manifest.json").read_text())
            (small / "manifest.json").write_text(json.dumps(said | {"files": 1}))
        case "half":
            (small / "manifest.json").write_text((small / "manifest.json").read_text()[:50])
        case "newer":
            said = manifest.read(small)
            (small / "manifest.json").unlink()
            manifest.Manifest(**(vars(said) | {"migrations": [*said.migrations, "library.9999_later"]})).write(small)
        case "none":
            (small / "manifest.json").unlink()


HOW = {
    "changed": "was changed or cut short",
    "missing": "is missing",
    "cut": "database.dump was changed or cut short",
    "no end": "SHA256SUMS is not whole",
    "elsewhere": "SHA256SUMS has a line that it should not have",
    "counts": "manifest.json was changed",
    "half": "manifest.json cannot be read",
    "newer": "made by a newer version",
    "none": "it has no manifest.json",
}


def test_a_broken_backup_is_refused_in_one_sentence(small):
    whole = {path: path.read_bytes() for path in small.rglob("*") if path.is_file()}
    restoring.checked(small, lambda size: None)
    for how, sentence in HOW.items():
        broken(small, how)
        with pytest.raises(CannotKeep, match=sentence):
            restoring.checked(small, lambda size: None)
        for path, data in whole.items():
            path.write_bytes(data)


def test_a_broken_backup_changes_nothing(small, media):
    broken(small, "cut")
    home = media.parent / "new"
    done = manage("restore", str(small), media=home / "media", DATA_DIR=str(home / "data"), DATABASE_URL="")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "The backup is broken: database.dump was changed or cut short." in done.stderr
    assert not (home / "media").exists() and not (home / "data" / "postgres").exists()


def test_what_was_there_is_moved_aside_and_never_deleted(small, media):
    home = media.parent / "home"
    with database("own") as name:
        first = manage("restore", str(small), media=home, DATABASE_URL=url(name))
        assert first.returncode == 0 and "moved aside" not in first.stdout, first.stderr
        lean = media.parent / "lean"
        done = manage("backup", str(lean), "--without-derivatives", media=home, DATABASE_URL=url(name))
        assert done.returncode == 0 and not list(lean.rglob("*.webp")), done.stderr
        old = sorted(path.name for path in home.glob("??/**/*") if path.is_file())
        again = manage("restore", str(lean), media=home, DATABASE_URL=url(name))
        assert again.returncode == 1 and "--move-aside" in again.stderr
        again = manage("restore", str(lean), "--move-aside", media=home, DATABASE_URL=url(name))
        assert again.returncode == 0, again.stderr
        aside = next(home.glob("before-restore-*"))
        assert str(aside) in again.stdout and f"{name}_before_" in again.stdout
        assert sorted(path.name for path in aside.glob("??/**/*") if path.is_file()) == old
        assert "Pictures that are decoded anew once workers run: 1." in again.stdout
        assert ask(name, "SELECT count(*) FROM job WHERE kind = 'decode' AND state = 'ready'") == 1
        with psycopg.connect(url(name)) as opened:
            (kept,) = opened.execute("SELECT datname FROM pg_database WHERE datname ~ 'own_before_'").fetchone() or (
                "",
            )
        assert ask(kept, "SELECT count(*) FROM item") == ask(name, "SELECT count(*) FROM item") == 2
        assert not list(home.glob(".restoring"))
        forgot = manage("restore", "--forget-old", media=home, DATABASE_URL=url(name))
        assert forgot.stdout.splitlines() == [f"Deleted: {kept}", f"Deleted: {aside}"], forgot.stderr
        assert not aside.exists() and list(home.glob("??/??/*"))
        assert ask(name, "SELECT count(*) FROM upload") == ask(name, "SELECT count(*) FROM django_session") == 0


def test_nothing_is_restored_under_those_who_are_at_work(small, media, tmp_path):
    done = manage("restore", str(small), "--move-aside", media=media)
    assert done.returncode == 1 and "connected to the database: stop the web server" in done.stderr
    config = Config(data_dir=tmp_path / "data", media_root=tmp_path / "other")
    with places.only_one(config, "http://localhost:1"):
        done = manage("restore", str(small), media=config.media_root, DATA_DIR=str(config.data_dir), DATABASE_URL="")
    assert done.returncode == 1 and "already runs" in done.stderr and "Stop it first." in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_are_purged_while_a_backup_copies_go_after_it(inbox, fake):
    item = made.picture(inbox)
    assert item.blob is not None
    path = files.original_path(item.blob)
    with saving._nothing_removed():
        trash.trash(item)
        trash.delete_now([item.pk], scope=inbox.scope)
        os.utime(path, (0, 0))
        assert orphans.sweep([path.name[:2]]) == 0
        assert (Blob.objects.count(), path.exists()) == (0, True)
    assert orphans.sweep([path.name[:2]]) == 1
    assert blobs.forget_unused() == 0 and not path.exists()


def test_a_disk_that_is_full_leaves_no_half_backup(inbox, media, tmp_path):
    for number in range(3):
        picture(inbox, f"large {number}")
    limited = ["bash", "-c", 'ulimit -f 20; exec "$@"', "-", *MANAGE, "backup", str(tmp_path / "there")]
    environment = {**os.environ, "MEDIA_ROOT": str(media), "DATABASE_URL": url()}
    ran = subprocess.run(limited, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "The backup could not be written" in ran.stderr, ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["media"]
