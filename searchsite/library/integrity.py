"""Whether the files and the rows that name them agree: what is too many, what is missing, what is not what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.db import transaction

from searchsite.library import files, orphans, uploads
from searchsite.library.models import Blob

# Files as young as this may be on their way: a file comes some moments before its row, and a clock may be wrong.
SETTLED_SECONDS = 2 * 3600.0
FOLDERS = tuple(f"{number:02x}" for number in range(256))
Kind = Literal["orphan", "missing", "damaged"]
Look = Callable[[str], None]


@dataclass(frozen=True)
class Fault:
    """One file that should not be there, is not there, or does not hold what its name says."""

    kind: Kind
    path: Path
    sha256: str = ""

    @property
    def is_original(self) -> bool:
        """Whether it is what a person put in: that cannot be made again."""
        return self.sha256 == self.path.name

    def __str__(self) -> str:
        return str(self.path.relative_to(files.media_root()))


def orphan_files(looking: Look = lambda folder: None) -> tuple[list[Fault], bool]:
    """The files that no row names, and whether they are so many that they are rather those of another database."""
    found, there = [], 0
    for folder in FOLDERS:
        looking(folder)
        number, unknown = orphans.look(folder, older_than=SETTLED_SECONDS)
        there += number
        found += [Fault("orphan", path) for path in unknown]
    strange = orphans.are_strange(len(found), of=there)
    left = files.stale(files.media_root() / files.INCOMING, older_than=SETTLED_SECONDS)
    found += [Fault("orphan", path) for path in (*left, *uploads.ownerless(older_than=SETTLED_SECONDS))]
    return found, strange


def remove_orphan(fault: Fault) -> bool:
    """Remove a file that no row names. False: one does by now, or a backup is under way."""
    if fault.path.parent.parent == files.media_root():
        fault.path.unlink(missing_ok=True)
        return True
    return orphans.remove(fault.path)


def faulty_files(*, quick: bool, looking: Callable[[int], None] = lambda size: None) -> Iterator[Fault]:
    """The originals that are missing or damaged, and derivatives that were cut short.

    quick: sizes are compared and no bytes are read. looking: told the size of each file when it has been looked at.
    """
    for sha256, size in originals():
        original = files.media_root() / files.relative_path(sha256)
        kind = _wrong(original, sha256, size, quick=quick)
        # A purge may have come by; the row goes before its file.
        if kind is not None and Blob.objects.filter(sha256=sha256).exists():
            yield Fault(kind, original, sha256)
        cut = (path for path in files.derivative_paths(original) if _is_cut(path))
        yield from (Fault("damaged", path, sha256) for path in cut)
        looking(size)


def originals() -> Iterator[tuple[str, int]]:
    """The digest and size of each file that rows name, once, in the order of the digests."""
    rows = Blob.objects.order_by("sha256").distinct("sha256").values_list("sha256", "size")
    yield from rows.iterator(chunk_size=2000)


def drop_derivative(fault: Fault) -> bool:
    """Remove a derivative that was cut short: decoding makes it again. False: there is nothing to make it of."""
    if not fault.path.with_name(fault.sha256).exists():
        return False
    fault.path.unlink(missing_ok=True)
    return True


def put_back(fault: Fault, media: Path) -> bool:
    """Put an original back from a folder of files laid out as ours, such as a backup's. False: it has no good copy."""
    with transaction.atomic():
        files.lock(fault.sha256)
        return files.put_back(fault.sha256, media / files.relative_path(fault.sha256))


def _wrong(path: Path, sha256: str, size: int, *, quick: bool) -> Literal["missing", "damaged"] | None:
    try:
        if path.stat().st_size != size or not (quick or files.sha256_of(path) == sha256):
            return "damaged"
    except FileNotFoundError:
        return "missing"
    except OSError:
        # The disk itself cannot read it any more.
        return "damaged"
    return None


def _is_cut(path: Path) -> bool:
    """Whether a WebP is shorter or longer than its first bytes say."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            size = path.stat().st_size
    except FileNotFoundError:
        return False
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        return True
    return size != int.from_bytes(head[4:8], "little") + 8
