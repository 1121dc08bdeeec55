"""Moves the folders of stored files: the old ones aside and the new ones in, or all of them back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from searchsite.library import files
from searchsite.ops.backups import journal, layout
from searchsite.ops.backups.journal import OF_DATABASE, Journal
from searchsite.ops.errors import CannotKeep
from searchsite.steps import Keeping, reached


def move(media_root: Path, noted: Journal) -> None:
    """Move the old files aside and the new ones in, and have that on the disk before the database follows."""
    aside = noted.aside(media_root)
    if noted.folders_old:
        aside.mkdir(mode=0o700)
        # Which database these files belong to; one that was empty and is filled now is not theirs.
        kept = {"server": noted.server, "database": noted.old if noted.new is not None else None}
        journal.write(aside / OF_DATABASE, kept)
    for name in noted.folders_old:
        (media_root / name).rename(aside / name)
        reached(Keeping.RESTORE_OLD_BEGUN)
    reached(Keeping.RESTORE_OLD_MOVED)
    for name in noted.folders_new:
        (noted.staged(media_root) / name).rename(media_root / name)
        reached(Keeping.RESTORE_NEW_BEGUN)
    _sync(media_root, noted)
    reached(Keeping.RESTORE_NEW_MOVED)


def move_back(media_root: Path, noted: Journal) -> None:
    """Undo the moves that were made; may be done again after it was cut off itself."""
    aside, staged = noted.aside(media_root), noted.staged(media_root)
    try:
        staged.mkdir(exist_ok=True)
        for name in sorted({*noted.folders_old, *noted.folders_new}):
            # What was not moved aside is still the old one.
            is_old = name in noted.folders_old and not (aside / name).exists()
            if (media_root / name).exists() and not is_old:
                _move_into(media_root / name, staged / name)
                reached(Keeping.SETTLE_BEGUN)
        for name in noted.folders_old:
            if (aside / name).exists():
                (aside / name).rename(media_root / name)
        _keep_later(staged, media_root)
        if aside.is_dir():
            for path in aside.glob(f"{OF_DATABASE}*"):
                path.unlink()
            aside.rmdir()
        _sync(media_root, noted)
    except OSError as error:
        raise CannotKeep(f"The old files cannot be moved back: {error}.") from None


def _move_into(source: Path, target: Path) -> None:
    """Move a folder; where another is there already, all its files into that, over those of the same name."""
    if not target.exists():
        source.rename(target)
        return
    for path in _within(source):
        to = target / path.relative_to(source)
        files.make_folder(to.parent)
        path.replace(to)
    shutil.rmtree(source)


def _keep_later(staged: Path, media_root: Path) -> None:
    """Put among the old files what the backup did not bring: somebody has put it in since the restore was cut off."""
    for number, path in _brought(staged):
        # Another file of this name has the same bytes, and is somebody's. Times do not tell: a clock may step back.
        if path.exists() and path.stat().st_ino == number:
            path.unlink()
    for path in _within(staged):
        to = media_root / path.relative_to(staged)
        if path.name != layout.BROUGHT and not to.exists():
            files.make_folder(to.parent)
            path.replace(to)
            for changed in (to.parent, to.parent.parent):
                files.sync(changed)


def _brought(staged: Path) -> Iterator[tuple[int, Path]]:
    """The files that the backup brought, and their inodes. Without the list all are kept, which costs only room."""
    with suppress(FileNotFoundError), (staged / layout.BROUGHT).open(encoding="ascii") as lines:
        for line in lines:
            number, _, name = line.rstrip("\n").partition(" ")
            if name:
                yield int(number), staged / name


def _within(folder: Path) -> Iterator[Path]:
    """All files in a folder and below; each may be moved away meanwhile."""
    for inner, _, names in os.walk(folder):
        yield from (Path(inner, name) for name in names)


def _sync(media_root: Path, noted: Journal) -> None:
    """Have the moves on the disk; what was moved is there already."""
    for folder in (noted.staged(media_root), noted.aside(media_root), media_root):
        if folder.is_dir():
            files.sync(folder)
