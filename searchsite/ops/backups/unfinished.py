"""The folder in which a backup is written until it is whole, and what a kill has left of such folders."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from searchsite.library import files
from searchsite.ops.backups import copying, manifest
from searchsite.ops.errors import CannotKeep

SUFFIX = ".partial"
# Held by whoever writes into the folder, and gone with the process.
LOCK = "being-written"
OURS = {LOCK, copying.LIST, manifest.DUMP, manifest.MEDIA, manifest.SUMS, manifest.MANIFEST}


@contextmanager
def whole_or_nothing(place: Path) -> Iterator[Path]:
    """A folder beside the place that takes it when it is full, and goes when it does not get full."""
    partial = place.with_name(f".{place.name}{SUFFIX}")
    try:
        partial.mkdir(mode=0o700)
    except OSError as error:
        raise CannotKeep(f"{partial} cannot be made: {error.strerror}.") from None
    try:
        with manifest.private(partial / LOCK).open("wb") as lock:
            _hold(lock)
            yield partial
            (partial / LOCK).unlink()
            files.sync(partial)
            partial.rename(place)
            files.sync(place.parent)
    except OSError as error:
        if error.errno in files.FULL:
            raise CannotKeep(f"The disk of {place} is full; nothing of the backup was kept.") from None
        raise CannotKeep(f"The backup could not be written: {error}.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(folder: Path) -> list[str]:
    """Remove what backups that were killed have left in a folder; says what was removed, and what nobody may know."""
    said = []
    for path in sorted(folder.glob(f".*{SUFFIX}")):
        if not _is_ours(path):
            continue
        if not (path / LOCK).exists():
            said.append(f"{path} was left by an earlier backup, if none is being written there: delete it then.")
        elif not _is_held(path / LOCK):
            shutil.rmtree(path)
            said.append(f"{path}, left by a backup that was cut off, was removed.")
    return said


def _is_ours(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and {one.name for one in path.iterdir()} <= OURS
    except OSError:
        return False


def _hold(lock: IO[bytes]) -> bool:
    """Whether nobody else holds it. Not every disk of another machine can tell: then nothing is removed there."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_held(path: Path) -> bool:
    try:
        with os.fdopen(os.open(path, os.O_RDWR), "rb") as lock:
            return not _hold(lock)
    except OSError:
        return True
