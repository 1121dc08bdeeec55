"""Copies files into a backup and out of it, a piece at a time, and knows their digests by then."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from searchsite.library import files
from searchsite.ops.backups import layout, manifest
from searchsite.ops.backups.tools import PIECE, Tell
from searchsite.ops.errors import CannotKeep

# Which files the snapshot names; it does not stay in the backup.
LIST = "originals"


class CannotRead(Exception):
    """A file is there, and its disk or its rights do not give it."""


@dataclass
class Copied:
    """What was copied. `sums` is the digest of the list; the rest are originals that were faulty before, and counts."""

    number: int = 0
    bytes: int = 0
    missing: int = 0
    unreadable: int = 0
    damaged: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)
    sums: str = ""

    def note(self, kind: str, sha256: str) -> None:
        """Count a faulty original, and keep its name while there is room for it."""
        setattr(self, kind, getattr(self, kind) + 1)
        if sum(map(len, self.faults.values())) < manifest.MOST_NAMED:
            self.faults.setdefault(kind, []).append(sha256)


def copy_all(folder: Path, dump: str, tell: Tell, *, derivatives: bool) -> Copied:
    """Copy what the list names, and write SHA256SUMS with the digest of the dump first."""
    copied, sums = Copied(), hashlib.sha256()
    with manifest.private(folder / manifest.SUMS).open("w", encoding="ascii") as lines:
        _note(lines, sums, dump, manifest.DUMP)
        for sha256 in _named(folder / LIST):
            for path in _files_of(sha256, derivatives=derivatives):
                name = f"{manifest.MEDIA}/{path.relative_to(files.media_root())}"
                if (digest := _copied(path, folder / name, sha256, copied)) is not None:
                    _note(lines, sums, digest, name)
                if path.name == sha256 and digest is not None:
                    tell((folder / name).stat().st_size)
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


def _copied(source: Path, target: Path, sha256: str, copied: Copied) -> str | None:
    """Copy one file of an original and count it; its digest, or None where it is not to be had."""
    files.make_folder(target.parent, 0o700)
    try:
        digest, size = copy(source, target, mode=0o600)
    except FileNotFoundError:
        # A small picture has not all derivatives, and those can be made again.
        fault = "missing"
    except CannotRead:
        fault = "unreadable"
    else:
        copied.number += 1
        copied.bytes += size
        if source.name == sha256 != digest:
            copied.note("damaged", sha256)
        return digest
    if source.name == sha256:
        copied.note(fault, sha256)
    return None


def copy(source: Path, target: Path, *, mode: int) -> tuple[str, int]:
    """Copy a file to where there is none; return its digest and size. Raises CannotRead, and leaves nothing."""
    digest, size = hashlib.sha256(), 0
    with _opened(source) as file:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as out:
                while piece := _piece(file, source):
                    digest.update(piece)
                    out.write(piece)
                    size += len(piece)
        except CannotRead:
            target.unlink()
            raise
    return digest.hexdigest(), size


def _opened(source: Path) -> IO[bytes]:
    try:
        return source.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CannotRead(f"{source} cannot be read: {error.strerror}.") from error


def _piece(file: IO[bytes], source: Path) -> bytes:
    try:
        return file.read(PIECE)
    except OSError as error:
        raise CannotRead(f"{source} cannot be read: {error.strerror}.") from error


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
    """Copy a backup's files into a fresh folder as they lie in MEDIA_ROOT, list them, and look at each once more."""
    media.mkdir(mode=0o750)
    with (media / layout.BROUGHT).open("w", encoding="ascii") as brought:
        for digest, name in manifest.listed(folder, sums):
            if name != manifest.DUMP:
                inside = str(Path(name).relative_to(manifest.MEDIA))
                tell(_extracted(folder / name, media / inside, digest, name))
                brought.write(f"{(media / inside).stat().st_ino} {inside}\n")
    settle()


def _extracted(source: Path, target: Path, digest: str, name: str) -> int:
    """Copy one file, look at it, and say how many bytes it has."""
    files.make_folder(target.parent)
    try:
        found, size = copy(source, target, mode=0o640)
    except FileNotFoundError:
        raise CannotKeep(f"The backup is broken: {name} is missing.") from None
    except CannotRead as error:
        raise CannotKeep(f"The backup is broken: {error}") from None
    if found != digest:
        raise CannotKeep(f"The backup is broken: {name} was changed.")
    return size


def settle(surely: Iterable[Path] = ()) -> None:
    """Have everything on the disk; one call for all files costs less than one for each, but tells of no failure."""
    os.sync()
    for path in surely:
        files.sync(path)
