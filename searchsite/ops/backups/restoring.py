"""Puts a backup in the place of what is there, which is moved aside. Nothing changes unless all is well."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader

from searchsite.config import Config
from searchsite.indexing import missing, plan
from searchsite.jobs import care
from searchsite.library import uploads
from searchsite.ops import greeting, places
from searchsite.ops.backups import (
    contents,
    copying,
    database,
    exchange,
    forgetting,
    journal,
    layout,
    manifest,
    room,
    tools,
)
from searchsite.ops.backups.manifest import Manifest
from searchsite.ops.backups.tools import Tell
from searchsite.ops.errors import CannotKeep
from searchsite.ops.unhurried import unhurried
from searchsite.steps import Keeping, reached

Load = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """Where progress is told: bytes that are checked, bytes of the dump, bytes of files."""

    check: Tell
    dump: Tell
    files: Tell


@dataclass(frozen=True)
class Restored:
    """What was restored, where the old data lies, and what an operator should know of the networks."""

    manifest: Manifest
    old_database: str | None
    old_files: Path | None
    said: tuple[str, ...]
    to_decode: int


def checked(folder: Path, tell: Tell) -> Manifest:
    """Read a backup whole. Raises CannotKeep where it is broken, or this version cannot use it."""
    said = manifest.read(folder)
    if not _known_migrations().issuperset(said.migrations):
        raise CannotKeep("The backup was made by a newer version of searchsite: restore it with that.")
    copying.check(folder, said.sums, tell)
    return said


def _known_migrations() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}


def restore(folder: Path, config: Config, shown: Shown, *, move_aside: bool) -> Restored:
    """Check a backup, prepare it beside what is there, and exchange the two."""
    layout.require_apart(folder, config)
    said = checked(folder, shown.check)
    places.make(config)
    with database.alone(config), journal.alone(config.media_root):
        how = exchange.settle(config)
        forgetting.drop_unfinished(config)
        room.for_restore(folder, said, config)
        tools.require_fit(database.major(), tools.version_of("pg_restore", max(database.major(), said.postgres)))
        database.require_nobody_else()
        was_empty = contents.is_empty()
        if not was_empty and config.database_url is not None and not move_aside:
            raise CannotKeep("The database is not empty: --move-aside renames it and puts the backup in its place.")
        # Whoever was given an empty database may often make no other.
        here = was_empty and config.database_url is not None
        if not here:
            database.require_room_in_name()
        stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
        with _staging(config.media_root) as staged:
            copying.extract(folder, said.sums, staged, shown.files)
            put = _into_the_empty_one if here else _beside_the_old_one
            old_files = put(partial(_load, folder, said, config, shown.dump), config, stamp)
        old = None if was_empty else exchange.before(stamp)
        # That of a new house holds nothing, and is in the way.
        to_decode, told = _afterwards(config, said, exchange.before(stamp) if was_empty and not here else None)
    return Restored(said, old, old_files, (*(() if how is None else (exchange.SAID[how],)), *told), to_decode)


def _afterwards(config: Config, said: Manifest, needless: str | None) -> tuple[int, list[str]]:
    """What follows when all is restored, and cannot undo it; how many pictures are decoded anew, and what is said."""
    to_decode = 0
    try:
        if needless is not None:
            database.drop(config, needless)
        with unhurried():
            to_decode = 0 if said.derivatives else missing.enqueue_missing(plan.DECODE)
        return to_decode, list(greeting.from_database())
    except (CannotKeep, OSError, Error, psycopg.Error) as error:
        wrong = str(error).strip()
        return to_decode, [f"All is restored, but then: {wrong} `manage.py doctor --integrity --repair` does the rest."]


def settle(config: Config) -> str | None:
    """Bring a restore that was cut off to an end; says whether it came through, or was undone. None: there was none."""
    if places.is_settled(config):
        return None
    with database.answering(config), journal.alone(config.media_root):
        return exchange.settle(config)


@contextmanager
def _staging(media_root: Path) -> Iterator[Path]:
    """A folder on the disk of the files that is gone at the end; of what could not be undone it stays for `settle`."""
    staged = media_root / layout.STAGING
    shutil.rmtree(staged, ignore_errors=True)
    try:
        yield staged
    finally:
        # Half undone, what was put in meanwhile may lie there and nowhere else.
        if not (media_root / places.JOURNAL).exists():
            shutil.rmtree(staged, ignore_errors=True)


def _into_the_empty_one(load: Load, config: Config, stamp: str) -> Path | None:
    return exchange.fill(config, partial(load, database.name()), stamp=stamp)


def _beside_the_old_one(load: Load, config: Config, stamp: str) -> Path | None:
    """Fill a new database, which is gone again if what follows fails, and exchange it for the old one."""
    new = f"{database.name()}_{database.RESTORED}_{stamp}"
    database.make(config, new, like=database.name())
    try:
        with database.pointing_at(new):
            load(new)
        reached(Keeping.RESTORE_FILLED)
        return exchange.swap(config, new, stamp=stamp)
    except BaseException:
        # Where even this fails, the next restore drops it.
        with suppress(CannotKeep):
            database.drop(config, new)
        raise


def _load(folder: Path, said: Manifest, config: Config, tell: Tell, into: str) -> None:
    """Fill the database that Django is pointed at."""
    database.have_extensions(config, into)
    major = max(database.major(), said.postgres)
    tools.load(folder / manifest.DUMP, config, database=into, major=major, tell=tell)
    _make_ready()


def _make_ready() -> None:
    """What ran is to be done anew, what was on its way did not arrive, and Postgres knows what the tables hold."""
    with unhurried():
        call_command("migrate", interactive=False, verbosity=0, amid_a_restore=True)
        care.hand_out_anew()
        uploads.forget_unfinished()
        with connection.cursor() as cursor:
            # Searches read indexes alone, where this has been by.
            cursor.execute("VACUUM ANALYZE")
