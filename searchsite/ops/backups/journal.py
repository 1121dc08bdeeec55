"""What a restore is about to exchange, written down before it does: whoever comes after a kill reads it here."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from searchsite.library import files
from searchsite.ops import places
from searchsite.ops.backups.layout import ASIDE, STAGING
from searchsite.ops.errors import CannotKeep

LOCK = ".restore.lock"
OF_DATABASE = "database.json"


@dataclass(frozen=True)
class Journal:
    """Which folders move, and which database takes whose name; `new` is None where an empty one is filled instead.

    Databases are known by the number that Postgres gives them: names are what is exchanged.
    """

    stamp: str
    server: str
    database: str
    old: int
    new: int | None
    new_name: str
    folders_old: list[str]
    folders_new: list[str]

    def aside(self, media_root: Path) -> Path:
        """Where the old files go."""
        return media_root / f"{ASIDE}{self.stamp}"

    def staged(self, media_root: Path) -> Path:
        """Where the new files wait."""
        return media_root / STAGING

    def write(self, media_root: Path) -> None:
        """Have it on the disk before anything moves."""
        write(media_root / places.JOURNAL, asdict(self))


def read(media_root: Path) -> Journal | None:
    """What was under way, if anything was. Raises CannotKeep where that cannot be told."""
    path = media_root / places.JOURNAL
    try:
        return Journal(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise CannotKeep(f"{path} tells of a restore that was cut off, and cannot be read: {error}.") from None


def end(media_root: Path) -> None:
    """Nothing is under way any more."""
    (media_root / places.JOURNAL).unlink(missing_ok=True)
    files.sync(media_root)


def write(path: Path, said: dict[str, Any]) -> None:
    """Write a file whole or not at all, and have it on the disk."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(said, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    files.sync(path.parent)


@contextmanager
def alone(media_root: Path) -> Iterator[None]:
    """Be the only one who restores here; the lock goes with the process."""
    with _lock(media_root) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotKeep("A backup, a look at the files or another restore is under way.") from None
        yield


@contextmanager
def undisturbed(media_root: Path) -> Iterator[None]:
    """Let no restore begin here for the while, as others may, too. Where nobody can lock there is nothing to hold."""
    with ExitStack() as stack:
        # It may be read-only, not there yet, or on a disk of another machine.
        with suppress(OSError):
            file = stack.enter_context(_lock(media_root))
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotKeep("A restore is under way.") from None
        yield


def _lock(media_root: Path) -> IO[str]:
    """The file that is locked, made where there is none; one that another user has made is locked as well."""
    path = media_root / LOCK
    try:
        return path.open("a+")
    except OSError:
        return path.open()
