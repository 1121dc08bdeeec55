"""Files that no row names: what crashes and restored databases leave under MEDIA_ROOT."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import structlog
from django.db import transaction

from searchsite.library import files
from searchsite.library.models import Blob

log = structlog.get_logger()
# 24 calls go through all 256 folders, and through 8 of them again: a server that is off every night misses none.
FOLDERS_AT_ONCE = 11
MOST_AT_ONCE = 5000
# More unknown files than known ones, and not just a few: these are another database's, not what crashes left.
A_FEW = 20
# An original, or one of its derivatives.
STORED = re.compile(r"([0-9a-f]{64})(\.\d+\.webp)?")


def due(now: float) -> list[str]:
    """The folders whose turn it is in the hour of this time."""
    first = int(now // 3600) * FOLDERS_AT_ONCE
    return [f"{number % 256:02x}" for number in range(first, first + FOLDERS_AT_ONCE)]


def sweep(folders: Iterable[str]) -> int:
    """Remove from these folders what is a day old and no blob names or was never finished; returns how many files."""
    removed = 0
    for folder in folders:
        stale, unknown = look(folder)
        if are_strange(len(unknown), of=stale):
            log.error("files of another database? none was removed", folder=folder, unknown=len(unknown))
            continue
        removed += sum(map(remove, unknown[:MOST_AT_ONCE]))
    return removed


def look(folder: str, *, older_than: float = files.STALE_AFTER) -> tuple[int, list[Path]]:
    """How many files of a folder have lain there for so many seconds, and which of them no blob names."""
    stale = list(files.stale(files.media_root() / folder, "??/*", older_than=older_than))
    # Looked up after the files were seen: a row comes later than its file.
    in_folder = Blob.objects.filter(sha256__gte=folder, sha256__lt=f"{folder}g")
    known = set(in_folder.values_list("sha256", flat=True)) if stale else set()
    return len(stale), [path for path in stale if path.name[:64] not in known and is_ours(path)]


def are_strange(unknown: int, *, of: int) -> bool:
    """Whether so many unknown files are rather those of another database."""
    return unknown > max(A_FEW, of / 2)


def is_ours(path: Path) -> bool:
    """Whether a file has a name that we give."""
    return path.name.startswith(files.UNFINISHED) or STORED.fullmatch(path.name) is not None


def remove(path: Path) -> bool:
    """Remove a file that no blob names. False: one does by now, or a backup is under way that may be copying it."""
    if path.name.startswith(files.UNFINISHED):
        path.unlink(missing_ok=True)
        return True
    stored = STORED.fullmatch(path.name)
    if stored is None:
        return False
    with transaction.atomic():
        files.lock(stored[1])
        # The same bytes may have been put in meanwhile.
        if Blob.objects.filter(sha256=stored[1]).exists() or not files.may_remove():
            return False
        path.unlink(missing_ok=True)
    return True
