"""Copies files into a backup and out of it, a piece at a time, and knows their digests by then."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from searchsite.library import files
from searchsite.ops.backups import manifest
from searchsite.ops.backups.tools import PIECE, Tell
from searchsite.ops.errors import CannotKeep

# Which files the snapshot names; it does not stay in the backup.
LIST = "originals"


@dataclass
class Copied:
    """What was copied; missing and damaged are originals that were so before. `sums` is the digest of the list."""

    number: int = 0
    bytes: int = 0
    missing: int = 0
    damaged: int = 0
    sums: str = ""


def copy_all(folder: Path, dump: str, tell: Tell, *, derivatives: bool) -> Copied:
    """Copy what the list names, and write SHA256SUMS with the digest of the dump first."""
    copied, sums = Copied(), hashlib.sha256()
    with manifest.private(folder / manifest.SUMS).open("w", encoding="ascii") as lines:
        _note(lines, sums, dump, manifest.DUMP)
        for sha256 in _named(folder / LIST):
            for path in _files_of(sha256, derivatives=derivatives):
                digest = _copied(path, folder / manifest.MEDIA / path.relative_to(files.media_root()), copied, tell)
                if digest is not None:
                    _note(lines, sums, digest, f"{manifest.MEDIA}/{path.relative_to(files.media_root())}")
                if path.name == sha256:
                    copied.missing += digest is None
                    copied.damaged += digest not in (None, sha256)
    (folder / LIST).unlink()
    copied.sums = sums.hexdigest()
    return copied


def _named(listed: Path) -> Iterator[str]:
    with listed.open(encoding="ascii") as lines:
        for line in lines:
            yield line.strip()


def _files_of(sha256: str, *, derivatives: bool) -> list[Path]:
    original = files.media_root() / files.relative_path(sha256)
    return [original, *(files.derivative_paths(original) if derivatives else ())]


def _note(lines: TextIO, sums: hashlib._Hash, digest: str, name: str) -> None:
    line = f"{digest}  {name}\n"
    sums.update(line.encode("ascii"))
    lines.write(line)


def _copied(source: Path, target: Path, copied: Copied, tell: Tell) -> str | None:
    """Copy one file and count it; its digest, or None where there is no such file."""
    files.make_folder(target.parent, 0o700)
    try:
        digest, size = copy(source, target, mode=0o600)
    except FileNotFoundError:
        return None
    copied.number += 1
    copied.bytes += size
    if source.name == digest:
        tell(size)
    return digest


def copy(source: Path, target: Path, *, mode: int) -> tuple[str, int]:
    """Copy a file to where there is none; return its digest and size."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as file:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            while piece := file.read(PIECE):
                digest.update(piece)
                out.write(piece)
                size += len(piece)
    return digest.hexdigest(), size


def check(folder: Path, sums: str, tell: Tell) -> None:
    """Read every file that a backup lists. Raises CannotKeep at the first that is missing or was changed."""
    for digest, name in manifest.listed(folder, sums):
        found, size = _digest(folder / name)
        if found != digest:
            how = "is missing" if found is None else "was changed or cut short"
            raise CannotKeep(f"The backup is broken: {name} {how}.")
        tell(size)


def _digest(path: Path) -> tuple[str | None, int]:
    try:
        return files.sha256_of(path), path.stat().st_size
    except FileNotFoundError:
        return None, 0
    except OSError as error:
        raise CannotKeep(f"The backup cannot be read: {error}.") from None


def extract(folder: Path, sums: str, media: Path, tell: Tell) -> None:
    """Copy a backup's files into a fresh folder as they lie in MEDIA_ROOT, and look at each once more."""
    media.mkdir(mode=0o750)
    for digest, name in manifest.listed(folder, sums):
        if name == manifest.DUMP:
            continue
        target = media / Path(name).relative_to(manifest.MEDIA)
        files.make_folder(target.parent)
        try:
            found, size = copy(folder / name, target, mode=0o640)
        except FileNotFoundError:
            raise CannotKeep(f"The backup is broken: {name} is missing.") from None
        if found != digest:
            raise CannotKeep(f"The backup is broken: {name} was changed.")
        tell(size)
    settle()


def room_for(bytes_needed: int, folder: Path) -> None:
    """Refuse what does not fit."""
    free = shutil.disk_usage(folder).free
    if free < bytes_needed:
        raise CannotKeep(f"{folder} has room for {free:,} bytes, and {bytes_needed:,} are needed.")


def settle() -> None:
    """Have everything on the disk; one call for all files costs less than one for each."""
    os.sync()
