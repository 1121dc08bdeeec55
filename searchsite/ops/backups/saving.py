"""Makes a backup while the site goes on: one snapshot of the database, then the files that its rows name.

Files are immutable and named after their bytes, so copying them later is as good, as long as none is removed
meanwhile: whoever removes files asks for a lock that a backup holds, and leaves them to the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from searchsite.config import Config
from searchsite.library import files
from searchsite.ops import places
from searchsite.ops.backups import contents, copying, database, journal, layout, manifest, room, tools, unfinished
from searchsite.ops.backups.copying import LIST
from searchsite.ops.backups.manifest import FORMAT, Manifest
from searchsite.ops.backups.tools import Tell
from searchsite.ops.errors import CannotKeep
from searchsite.steps import Keeping, reached

# Removals in progress end within moments; whoever holds the lock longer is another backup.
LOCK_TIMEOUT = "30s"
COUNTED = ("user_account", "team", "item", "part", "blob")
BLOBS = "SELECT DISTINCT sha256, size FROM blob ORDER BY sha256"
MIGRATIONS = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"
EMBEDDER = "SELECT embedder FROM space WHERE status = 'active'"


@dataclass(frozen=True)
class Shown:
    """Where progress is told: bytes of the dump; how many bytes of files there are; bytes of files; what else is."""

    dump: Tell
    total: Tell
    files: Tell
    said: Callable[[str], object]


@dataclass(frozen=True)
class _Snapshot:
    """What the database was at one moment, and the name under which pg_dump finds that moment."""

    name: str
    migrations: list[str]
    counts: dict[str, int]
    embedder: str
    bytes: int
    database_bytes: int


def save(target: Path, config: Config, shown: Shown, *, derivatives: bool) -> tuple[Path, Manifest]:
    """Make a backup at the target, or in it where that is a folder, whole or not at all; return where, and what."""
    layout.require_apart(target, config)
    if (target / manifest.MANIFEST).exists():
        raise CannotKeep(f"{target} is a backup itself. Name a new folder, or one that backups lie in.")
    with journal.undisturbed(config.media_root):
        places.require_settled(config)
        created = datetime.now(UTC)
        place = target / created.strftime("searchsite-%Y%m%d-%H%M%S") if target.is_dir() else target
        if place.exists():
            raise CannotKeep(f"{place} is there already.")
        for line in unfinished.sweep(place.parent):
            shown.said(line)
        with unfinished.whole_or_nothing(place) as partial, database.answering(config):
            made = _fill(partial, config, shown, created=created, derivatives=derivatives)
            copying.settle(partial / one for one in (manifest.DUMP, manifest.SUMS, manifest.MANIFEST))
        return place, made


def _fill(folder: Path, config: Config, shown: Shown, *, created: datetime, derivatives: bool) -> Manifest:
    with _nothing_removed() as held:
        dump, major = folder / manifest.DUMP, database.major()
        contents.require_in_public()
        with _snapshot(folder / LIST) as seen:
            shown.total(seen.bytes)
            room.for_backup(seen.bytes, folder)
            name = database.name()
            digest = tools.dump(dump, config, database=name, snapshot=seen.name, major=major, tell=shown.dump)
        reached(Keeping.BACKUP_DUMPED)
        copied = copying.copy_all(folder, digest, shown.files, derivatives=derivatives)
        # Had the connection been lost, files might have been removed before they were copied.
        held.execute("SELECT 1")
    made = Manifest(
        format=FORMAT,
        created_at=created.isoformat(timespec="seconds"),
        postgres=tools.version_of("pg_dump", major),
        migrations=seen.migrations,
        counts=seen.counts,
        embedder=seen.embedder,
        preset=config.preset,
        derivatives=derivatives,
        files=copied.number,
        bytes=copied.bytes,
        missing=copied.missing,
        damaged=copied.damaged,
        sums=copied.sums,
        database_bytes=seen.database_bytes,
        unreadable=copied.unreadable,
        faults=copied.faults,
    )
    made.write(folder)
    return made


@contextmanager
def _nothing_removed() -> Iterator[psycopg.Connection[Any]]:
    """Keep stored files from being removed until the end. Taken before the snapshot, which would else be older."""
    with database.own_connection() as held:
        held.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            held.execute("SELECT pg_advisory_lock(%s, %s)", files.BACKUP_LOCK)
        except psycopg.errors.LockNotAvailable:
            raise CannotKeep("Another backup is under way.") from None
        yield held


@contextmanager
def _snapshot(listed: Path) -> Iterator[_Snapshot]:
    """Hold one moment of the database for pg_dump, and write down which files its rows name."""
    with database.own_connection() as opened, opened.transaction():
        opened.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        (name,) = opened.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        total = 0
        with manifest.private(listed).open("w", encoding="ascii") as file, opened.cursor("blobs") as rows:
            for sha256, size in rows.execute(BLOBS):
                file.write(f"{sha256}\n")
                total += size
        yield _Snapshot(
            str(name),
            [migration for (migration,) in opened.execute(MIGRATIONS)],
            {table: _one(opened, f"SELECT count(*) FROM {table}") for table in COUNTED},
            _one(opened, EMBEDDER) or "",
            total,
            _one(opened, "SELECT pg_database_size(current_database())"),
        )


def _one(opened: psycopg.Connection[Any], statement: str) -> Any:
    row = opened.execute(statement.encode()).fetchone()
    return row[0] if row else None
