"""What stands in the way of a backup or a restore is told in plain words: bad files, no room, strange places."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection, transaction
from pydantic import SecretStr

from searchsite.config import Config
from searchsite.library import files
from searchsite.ops import places
from searchsite.ops.backups import contents, journal, layout, manifest, restoring, room, saving, tools, unfinished
from searchsite.ops.backups.database import make, pointing_at
from searchsite.ops.errors import CannotKeep, CannotStart
from searchsite.ops.unhurried import unhurried
from searchsite.steps import Keeping
from tests import made
from tests.house import MANAGE, ROOT
from tests.ops.keeping import ask, database, manage, url
from tests.people import alice, inbox, team

__all__ = ["alice", "inbox", "team"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


def save(place: Path, media: Path) -> tuple[Path, manifest.Manifest, list[str]]:
    """A backup, and what was said meanwhile."""
    said: list[str] = []
    shown = saving.Shown(lambda size: None, lambda size: None, lambda size: None, said.append)
    config = Config(media_root=media, database_url=SecretStr(url()))
    return *saving.save(place, config, shown, derivatives=True), said


def three(inbox) -> tuple[Path, Path, Path]:
    """The originals of three pictures."""
    blobs = [made.picture(inbox, colour).blob for colour in ("red", "navy", "green")]
    first, second, third = [files.original_path(blob) for blob in blobs if blob is not None]
    return first, second, third


def test_a_backup_goes_on_without_originals_that_are_not_to_be_had_and_says_so(inbox, media, tmp_path):
    gone, unreadable, damaged = three(inbox)
    gone.unlink()
    # Nobody can read a folder as a file, not even root.
    unreadable.unlink()
    unreadable.mkdir()
    damaged.write_bytes(b"something else")
    done = manage("backup", str(tmp_path / "kept"), media=media)
    assert done.returncode == 3, done.stderr
    assert "1 are missing, 1 cannot be read and 1 are damaged" in done.stderr
    said = manifest.read(tmp_path / "kept")
    assert said.faults == {"missing": [gone.name], "unreadable": [unreadable.name], "damaged": [damaged.name]}
    assert (said.files, said.missing, said.unreadable, said.damaged) == (1, 1, 1, 1)
    assert restoring.checked(tmp_path / "kept", lambda size: None) == said


def test_a_backup_of_the_first_format_is_read(inbox, media, tmp_path):
    place, said, _ = save(tmp_path / "kept", media)
    older = {name: value for name, value in vars(said).items() if name not in manifest.SINCE} | {"format": 1}
    (place / "manifest.json").unlink()
    (place / "manifest.json").write_text(json.dumps(older | {manifest.SEAL: manifest._seal(older)}))
    assert manifest.read(place).database_bytes == 0
    room.for_restore(place, manifest.read(place), Config(media_root=media, data_dir=tmp_path))


def test_what_a_killed_backup_has_left_is_removed_by_the_next_one(inbox, media, tmp_path):
    backups = tmp_path / "backups"
    backups.mkdir()
    killed = manage("backup", str(backups), media=media, SEARCHSITE_DIE_AT=Keeping.BACKUP_DUMPED)
    assert killed.returncode == -signal.SIGKILL
    (left,) = backups.iterdir()
    assert left.name.endswith(".partial")
    # Of others, and of a version that held no lock.
    (backups / ".theirs.partial").mkdir()
    (backups / ".theirs.partial" / "letter.txt").touch()
    (backups / ".older.partial").mkdir()
    (backups / ".older.partial" / "database.dump").touch()
    with unfinished.whole_or_nothing(backups / "being-made") as partial:
        place, _, said = save(backups / "now", media)
        assert partial.exists()
        shutil.rmtree(place)
        (partial / "manifest.json").touch()
    assert said == [
        f"{backups}/.older.partial was left by an earlier backup, if none is being written there: delete it then.",
        f"{left}, left by a backup that was cut off, was removed.",
    ]
    assert sorted(path.name for path in backups.iterdir()) == [".older.partial", ".theirs.partial", "being-made"]


SPY = """#!/bin/sh
case "$1" in --version) echo "pg_dump (PostgreSQL) {major}.0"; exit;; esac
env > {seen}
exec "{real}" "$@"
"""


def test_no_backup_is_made_in_another(inbox, media, tmp_path):
    """As where the folder for them was not there at the first one, which has its name now."""
    save(tmp_path / "kept", media)
    before = sorted((tmp_path / "kept").rglob("*"))
    with pytest.raises(CannotKeep, match="kept is a backup itself"):
        save(tmp_path / "kept", media)
    assert sorted((tmp_path / "kept").rglob("*")) == before


def test_only_our_schema_is_in_a_backup_and_no_key_reaches_pg_dump(inbox, media, tmp_path):
    real, seen, spy = tools._tool("pg_dump", major()), tmp_path / "seen", tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    spy.write_text(SPY.format(major=major(), seen=seen, real=real))
    spy.chmod(0o755)
    with database("shared", like=named()) as name, psycopg.connect(url(name), autocommit=True) as opened:
        opened.execute("CREATE SCHEMA theirs CREATE TABLE secret (word text)")
        opened.close()
        path = f"{spy.parent}:{os.environ['PATH']}"
        given = {
            "DATABASE_URL": url(name),
            "PATH": path,
            "EARLIER_KEYS": "api.example.org=sk-1",
            "SECRET_KEY": "k" * 50,
        }
        done = manage("backup", str(tmp_path / "kept"), media=media, **given)
        assert done.returncode == 0, done.stderr
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert "PATH" in names and not names - {"PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "LC_ALL", "PWD", "_"}
    with database("alone") as name:
        done = manage("restore", str(tmp_path / "kept"), media=tmp_path / "other", DATABASE_URL=url(name))
        assert done.returncode == 0, done.stderr
        assert ask(name, "SELECT count(*) FROM pg_namespace WHERE nspname = 'theirs'") == 0
        assert ask(name, "SELECT count(*) FROM pg_extension WHERE extname IN ('vector', 'pg_trgm', 'unaccent')") == 3


def test_while_one_looks_at_the_files_or_saves_them_nobody_restores_them_and_the_reverse(inbox, media, tmp_path):
    with journal.alone(media):
        with pytest.raises(CannotKeep, match="A restore is under way"):
            save(tmp_path / "kept", media)
        with pytest.raises(CommandError, match="A restore is under way"):
            call_command("doctor", "--integrity")
    with journal.undisturbed(media), journal.undisturbed(tmp_path / "none"):
        save(tmp_path / "kept", media)
        call_command("doctor", "--integrity")
        with pytest.raises(CannotKeep, match="A backup, a look"), journal.alone(media):
            pass
    with journal.alone(media):
        pass


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command has to say of what went wrong."""
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return done.stderr


def test_what_the_system_refuses_is_told_in_one_sentence(inbox, media, tmp_path):
    made.picture(inbox)
    place, _, _ = save(tmp_path / "kept", media)
    away = manage("backup", str(tmp_path / "never"), media=media, DATABASE_URL=f"host={tmp_path} dbname=none")
    assert "The database does not answer." in told(away)
    assert ".restore.lock" in told(manage("restore", "--forget-old", media=tmp_path / "none"))
    with database("alone") as name:
        words = [*MANAGE, "restore", str(place)]
        environment = {**os.environ, "MEDIA_ROOT": str(tmp_path / "other"), "DATABASE_URL": url(name)}
        limited = ["bash", "-c", 'ulimit -f 0; exec "$@"', "-", *words]
        done = subprocess.run(limited, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert "File too large: " in told(done)
        assert not list((tmp_path / "other").glob(".restoring"))
    with database("n" * 40, like=named()) as name:
        done = manage("restore", str(place), "--move-aside", media=tmp_path / "other", DATABASE_URL=url(name))
        assert "give it one of 38 bytes at most" in told(done)


def test_programs_that_write_what_the_server_does_not_know_are_refused():
    for server, version in ((15, 15), (15, 16), (17, 18), (18, 18)):
        tools.require_fit(server, version)
    with pytest.raises(CannotKeep, match="install the client programs of Postgres 16"):
        tools.require_fit(16, 18)


def test_no_secret_of_the_database_reaches_a_command_line():
    reached, password = tools.conninfo(Config(database_url=SecretStr("host=a user=b password=c")), "d")
    assert (reached, password) == ("user=b host=a dbname=d", "c")
    with pytest.raises(CannotKeep, match="With sslpassword in DATABASE_URL"):
        tools.conninfo(Config(database_url=SecretStr("host=a user=b password=c sslpassword=e")), "d")


def test_a_database_beside_another_sorts_as_that_does(tmp_path):
    options = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C' ENCODING 'UTF8' TEMPLATE template0"
    looks = "SELECT to_jsonb(found) FROM pg_database AS found WHERE datname LIKE 'sorted%' ORDER BY oid"
    with psycopg.connect(url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE sorted LC_COLLATE 'C' LC_CTYPE 'C' {options}")
        make(Config(database_url=SecretStr(url("sorted")), data_dir=tmp_path), "sorted_as_that", like="sorted")
        (first,), (second,) = server.execute(looks).fetchall()
        server.execute("DROP DATABASE sorted")
        server.execute("DROP DATABASE sorted_as_that")
    assert (first["datlocprovider"], first["datlocale"]) == ("b", "C")
    assert {key: first[key] for key in LIKE} == {key: second[key] for key in LIKE}


LIKE = ("encoding", "datlocprovider", "datlocale", "datcollate", "datctype", "daticurules")


def named() -> str:
    """The tests' database, which nobody is connected to: then it can be copied."""
    connection.close()
    return str(connection.settings_dict["NAME"])


def major() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.server_version) // 10000


def test_the_size_of_the_database_counts_where_it_is_embedded(inbox, media, tmp_path):
    place, said, _ = save(tmp_path / "kept", media)
    assert said.database_bytes > 1 << 20
    embedded = Config(media_root=media, data_dir=tmp_path)
    room.for_restore(place, said, embedded)
    large = manifest.Manifest(**{**vars(said), "database_bytes": 1 << 60})
    with pytest.raises(CannotKeep, match=r"bytes, and [0-9,]+ are needed"):
        room.for_restore(place, large, embedded)
    room.for_restore(place, large, Config(media_root=media, data_dir=tmp_path, database_url=SecretStr(url())))


def test_nothing_is_kept_among_the_files_that_a_restore_moves(media, tmp_path):
    config = Config(media_root=media, data_dir=tmp_path / "data")
    for folder in ("ab", "incoming/x", "partial", ".restoring", "before-restore-20260101_000000/kept"):
        with pytest.raises(CannotKeep, match="which a restore moves aside or deletes"):
            layout.require_apart(media / folder, config)
        with pytest.raises(CannotStart, match="DATA_DIR lies in"):
            layout.require_data_apart(Config(media_root=media, data_dir=media / folder / "data"))
    for place in (media, media / "backups", tmp_path / "ab"):
        layout.require_apart(place, config)
    with pytest.raises(CannotKeep, match="choose another place"):
        save(media / "ab" / "kept", media)
    started = manage("up", media=media, DATA_DIR=str(media / "cd"), DATABASE_URL="")
    assert started.returncode == 1 and "DATA_DIR lies in" in started.stderr


def test_what_decides_on_a_restore_is_on_the_disk_before_it_is_told():
    with connection.cursor() as cursor, transaction.atomic():
        for before, after in (("off", "on"), ("remote_apply", "remote_apply")):
            cursor.execute("SELECT set_config('synchronous_commit', %s, true)", [before])
            cursor.execute(contents.DURABLY)
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == (after,)


SLOW = "SELECT pg_sleep(0.3)"


def test_a_migration_has_no_limit_and_other_statements_do(settings):
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
        with unhurried():
            cursor.execute(SLOW)
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("1min",)
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute(SLOW)
    connection.close()


SLOWLY = """
DELETE FROM auth_permission WHERE codename = 'add_item';
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
CREATE TRIGGER slowly BEFORE INSERT ON auth_permission FOR EACH ROW EXECUTE FUNCTION slowly();
SET statement_timeout = 100;
"""


def test_whoever_calls_migrate_has_no_limit():
    with database("slow", like=named()) as name, pointing_at(name):
        with connection.cursor() as cursor:
            cursor.execute(SLOWLY)
        call_command("migrate", verbosity=0)
        assert Permission.objects.filter(codename="add_item").exists()


def test_what_could_not_be_undone_stays_where_it_lies(media, tmp_path):
    """What was put in meanwhile may be nowhere else; `restore --settle` moves it back."""
    for half_undone in (True, False):
        with pytest.raises(OSError, match="full"), restoring._staging(media) as staged:
            (staged / "ab").mkdir(parents=True)
            if half_undone:
                (media / places.JOURNAL).write_text("{}")
            raise OSError("full")
        assert (staged / "ab").exists() == half_undone
        (media / places.JOURNAL).unlink(missing_ok=True)
