"""The files under MEDIA_ROOT: `ab/cd/<sha256>`, its derivatives beside it, and `incoming/` on the way there."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.library.models import Blob
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.steps import Step, reached

# Longest sides of the derivatives: one for grids, one for reading, embedding and the item's own page.
THUMBNAIL, VIEW = 480, 2048
SIZES = (THUMBNAIL, VIEW)
DERIVATIVE_TYPE = "image/webp"
CHUNK = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT}
STALE_AFTER = 24 * 3600
INCOMING, UNFINISHED = "incoming", ".new-"
# Held by a backup while it copies; of the two-number kind, so that no digest is the same lock.
BACKUP_LOCK = (1_935_762_802, 1)


@dataclass(frozen=True)
class Received:
    """A complete and durable temporary file."""

    path: Path
    sha256: str
    size: int


def media_root() -> Path:
    """The folder of all files."""
    return Path(settings.MEDIA_ROOT)


def make_folder(path: Path, mode: int = 0o750) -> None:
    """Make a folder and those above it that are missing, all with this mode; mkdir's is that of the last alone."""
    if not path.parent.exists():
        make_folder(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)


def relative_path(sha256: str) -> str:
    """Where the bytes with this digest lie under MEDIA_ROOT."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def original_path(blob: Blob) -> Path:
    """The file as it was put in."""
    return media_root() / blob.path


def derivative_path(blob: Blob, size: int) -> Path:
    """The derivative of that size. A picture that is smaller has only those it needs: then the largest it has."""
    original = original_path(blob)
    asked = _beside(original, size)
    smaller = (_beside(original, one) for one in reversed(SIZES) if one < size)
    return next((path for path in (asked, *smaller) if path.exists()), asked)


def derivative_paths(original: Path) -> list[Path]:
    """Where all derivatives of a file would lie; a small picture has only some of them."""
    return [_beside(original, size) for size in SIZES]


def view_path(blob: Blob) -> Path:
    """The picture that readers, embedders and captioners see."""
    return derivative_path(blob, VIEW)


@contextmanager
def received(file: IO[bytes], *, limit: int) -> Iterator[Received]:
    """Stream into a temporary file and fsync it; it is removed at the end unless it was placed."""
    folder = media_root() / INCOMING
    with space_or_refusal():
        make_folder(folder)
        descriptor, name = tempfile.mkstemp(dir=folder)
    path = Path(name)
    try:
        with space_or_refusal(), os.fdopen(descriptor, "wb") as out:
            sha256, size = _copy(file, out, limit)
            out.flush()
            os.fsync(out.fileno())
        yield Received(path, sha256, size)
    finally:
        path.unlink(missing_ok=True)


def place(new: Received) -> str:
    """Move a received file to its place, durably; return its path under MEDIA_ROOT. Call it under `lock`.

    Bytes that lie there already are replaced, which takes as long: else the time would tell that another team has them.
    """
    relative = relative_path(new.sha256)
    with space_or_refusal():
        new.path.chmod(0o640)
        _move(new.path, media_root() / relative)
    return relative


def write_derivatives(blob: Blob, derivatives: Mapping[int, bytes]) -> None:
    """Put the derivatives beside the original, each whole or not at all. Doing it again does no harm."""
    original = original_path(blob)
    with space_or_refusal():
        make_folder(original.parent)
        # The smaller stand in for the larger ones, so those come first.
        for size, data in sorted(derivatives.items(), reverse=True):
            _write(_beside(original, size), data)
            reached(Step.DECODE_FILE_WRITTEN)
        sync(original.parent)


def _write(path: Path, data: bytes) -> None:
    """A temporary file beside it, fsync, rename; the folder's own fsync is left to the caller."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        reached(Step.DECODE_FILE_BEGUN)
        Path(name).chmod(0o640)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def lock(sha256: str) -> None:
    """Hold off everybody else who places or removes these bytes, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(sha256[:15], 16)])


def may_remove() -> bool:
    """Whether stored files may go: not while a backup copies them. If so, a backup waits for this transaction's end.

    What stays is a file without a row, which the sweep removes once it is a day old.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s, %s)", BACKUP_LOCK)
        (granted,) = cursor.fetchone() or (False,)
    return bool(granted)


def put_back(sha256: str, source: Path) -> bool:
    """Put an original in its place from a copy elsewhere, over what lies there. False: it is no such copy."""
    if not source.is_file():
        return False
    with source.open("rb") as file, received(file, limit=source.stat().st_size) as new:
        if new.sha256 != sha256:
            return False
        with space_or_refusal():
            new.path.chmod(0o640)
            _move(new.path, media_root() / relative_path(sha256))
    return True


def sha256_of(path: Path) -> str:
    """The digest of a file, read a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(sha256: str) -> None:
    """Delete a file and its derivatives. Call it under `lock`, when no blob row names it and `may_remove` says so."""
    original = media_root() / relative_path(sha256)
    for path in (original, *derivative_paths(original)):
        path.unlink(missing_ok=True)


def sweep_incoming(*, older_than: float = STALE_AFTER) -> int:
    """Remove what crashed uploads left behind; returns how many files."""
    removed = 0
    for path in stale(media_root() / INCOMING, older_than=older_than):
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def stale(folder: Path, pattern: str = "*", *, older_than: float = STALE_AFTER) -> Iterator[Path]:
    """The files of a folder that nobody has written to for so many seconds."""
    latest = time.time() - older_than
    for path in folder.glob(pattern):
        try:
            changed = path.stat().st_mtime
        except FileNotFoundError:
            # Finished and renamed, given up, purged or swept meanwhile.
            continue
        if changed < latest:
            yield path


def _beside(original: Path, size: int) -> Path:
    return original.with_name(f"{original.name}.{size}.webp")


def _copy(file: IO[bytes], out: IO[bytes], limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest(), size


def too_large(limit: int) -> Refusal:
    """The refusal for more bytes than allowed."""
    plain = ngettext("%(n)s byte", "%(n)s bytes", limit) % {"n": grouped(limit)}
    message = _("The file is larger than %(size)s.") % {"size": f"{megabytes(limit)} MB" if limit >= 2**20 else plain}
    return Refusal(message, code="too-large", status=413)


def megabytes(size: int) -> str:
    """So many bytes in MB, with three digits that count, as the language writes numbers."""
    return number_format(f"{size / 2**20:.3g}")


def _move(source: Path, target: Path) -> None:
    missing = [folder for folder in (target.parent, target.parent.parent) if not folder.exists()]
    make_folder(target.parent)
    source.replace(target)
    # A new folder is durable only once its own parent is synced.
    for folder in {target.parent, *(one.parent for one in missing)}:
        sync(folder)


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def space_or_refusal() -> Iterator[None]:
    """Say in a sentence that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full() from error
        raise


def disk_full() -> Refusal:
    """The refusal for what no longer fits."""
    return Refusal(_("The disk is full; nothing was stored."), code="disk-full", status=507)
