"""Puts a backup in the place of what is there, which is moved aside. Nothing changes unless all is well."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from searchsite.config import Config
from searchsite.indexing import missing, plan
from searchsite.jobs import care
from searchsite.library import files, partials, uploads
from searchsite.ops import first_run, greeting, places
from searchsite.ops.backups import copying, database, manifest, tools
from searchsite.ops.backups.manifest import Manifest
from searchsite.ops.backups.tools import Tell
from searchsite.ops.errors import CannotKeep

Load = Callable[..., None]
STAGING, ASIDE = ".restoring", "before-restore-"


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
    said = checked(folder, shown.check)
    places.make(config)
    copying.room_for(said.bytes, config.media_root)
    with database.alone(config), _staging(config.media_root) as staged:
        database.require_nobody_else()
        was_empty = database.is_empty()
        if not was_empty and config.database_url is not None and not move_aside:
            raise CannotKeep("The database is not empty: --move-aside renames it and puts the backup in its place.")
        copying.extract(folder, said.sums, staged, shown.files)
        stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
        name = database.name()
        old = f"{name}_before_{stamp}"
        load = partial(
            tools.load, folder / manifest.DUMP, config, major=max(database.major(), said.postgres), tell=shown.dump
        )
        # Whoever was given an empty database may often make no other.
        here = was_empty and config.database_url is not None
        if here:
            with _exchanged(staged, config.media_root, stamp) as old_files:
                database.have_extensions(config, name)
                load(database=name)
                _make_ready()
        else:
            filled = _filled(load, config, f"{name}_restored_{stamp}")
            with filled as new, _exchanged(staged, config.media_root, stamp) as old_files:
                database.take_the_place(config, new, of=name, old=old)
        if was_empty and not here:
            database.drop(config, old)
        first_run.is_over(config)
        to_decode = 0 if said.derivatives else missing.enqueue_missing(plan.DECODE)
        told = tuple(greeting.from_database())
    return Restored(said, None if was_empty else old, old_files, told, to_decode)


def forget_old(config: Config) -> list[str]:
    """Delete what restores have moved aside; returns what that was. What is in use stays."""
    with database.answering(config):
        kept = database.moved_aside()
        for one in kept:
            database.drop(config, one)
    folders = [path for path in config.media_root.glob(f"{ASIDE}*") if path.is_dir()]
    for folder in folders:
        shutil.rmtree(folder)
    return [*kept, *map(str, folders)]


@contextmanager
def _staging(media_root: Path) -> Iterator[Path]:
    """A folder on the disk of the files that is gone at the end, whatever happens."""
    staged = media_root / STAGING
    shutil.rmtree(staged, ignore_errors=True)
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


@contextmanager
def _filled(load: Load, config: Config, new: str) -> Iterator[str]:
    """A new database that holds the backup and is ready to serve; gone again if what follows fails."""
    database.make(config, new, like=database.name())
    try:
        database.have_extensions(config, new)
        load(database=new)
        with database.pointing_at(new):
            _make_ready()
        yield new
    except BaseException:
        database.drop(config, new)
        raise


def _make_ready() -> None:
    """What ran is to be done anew, what was on its way did not arrive, and Postgres knows what the tables hold."""
    call_command("migrate", interactive=False, verbosity=0)
    care.hand_out_anew()
    uploads.forget_unfinished()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        # Searches read indexes alone, where this has been by.
        cursor.execute("VACUUM ANALYZE")


def _is_ours(name: str) -> bool:
    return name in (files.INCOMING, partials.FOLDER) or re.fullmatch("[0-9a-f]{2}", name) is not None


@contextmanager
def _exchanged(staged: Path, media_root: Path, stamp: str) -> Iterator[Path | None]:
    """Move the old files aside and the new ones in, by renaming; back again if what follows fails."""
    aside = media_root / f"{ASIDE}{stamp}"
    # Only what is ours: whatever else stands there, backups perhaps or another server's data, stays where it is.
    old = [path for path in media_root.iterdir() if _is_ours(path.name)]
    moves = [(path, aside / path.name) for path in old]
    moves += [(path, media_root / path.name) for path in staged.iterdir()]
    done: list[tuple[Path, Path]] = []
    try:
        if old:
            aside.mkdir(mode=0o700)
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
        # The database is exchanged next, and would survive a power cut that these do not.
        copying.settle()
        yield aside if old else None
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        if old:
            aside.rmdir()
        raise
