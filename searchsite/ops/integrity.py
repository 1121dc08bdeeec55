"""Puts together what the rooms know of their integrity: looks at everything first, then repairs what it can."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from searchsite.indexing import integrity as vectors
from searchsite.indexing import missing, plan
from searchsite.library import integrity as stored
from searchsite.library.integrity import Fault

RESTORE = "It cannot be made again: put it back with --repair --from BACKUP, or delete the item."
STRANGE = "So many are rather those of another database: none is removed. Is MEDIA_ROOT the one of this database?"


@dataclass
class Line:
    """One kind of fault: what it is, which were found, how many were repaired, and what to do about the rest."""

    kind: str
    said: str
    advice: str
    found: list[str] = field(default_factory=list)
    repaired: int = 0

    @property
    def left(self) -> int:
        """How many are still there."""
        return len(self.found) - self.repaired


@dataclass
class Findings:
    """Everything that was found, as the rooms told it."""

    orphans: list[Fault]
    strange: bool
    files: list[Fault]
    undrawn: list[int]
    unembedded: list[int]
    stray: list[tuple[int, int, int]]
    stuck: list[int]

    def faulty(self, kind: str, *, original: bool) -> list[Fault]:
        """The faulty files of a kind that are originals, or that are not."""
        return [fault for fault in self.files if fault.kind == kind and fault.is_original == original]


def look(*, quick: bool) -> Findings:
    """Look at every file and row, and change nothing. quick: no file's bytes are read."""
    with _bar("folders", len(stored.FOLDERS), "") as tick:
        orphans, strange = stored.orphan_files(lambda folder: tick(1))
    total = sum(size for _, size in stored.originals())
    with _bar("files", total, "B") as tick:
        files = list(stored.faulty_files(quick=quick, looking=tick))
    return Findings(
        orphans,
        strange,
        files,
        [item.pk for item in vectors.lacking(plan.DECODE)],
        [item.pk for item in vectors.lacking(plan.EMBED)],
        vectors.stray_vectors(),
        vectors.stuck_jobs(),
    )


def report(found: Findings) -> list[Line]:
    """The findings in words, each kind in a line."""
    gone, damaged = (found.faulty(kind, original=True) for kind in ("missing", "damaged"))
    cut = found.faulty("damaged", original=False)
    again = "--repair has them made again."
    return [
        Line(
            "orphan files",
            "files that no row names",
            STRANGE if found.strange else "--repair removes them.",
            _names(found.orphans),
        ),
        Line("missing originals", "files that people put in and that are gone", RESTORE, _names(gone)),
        Line("damaged originals", "files that do not hold what was put in", RESTORE, _names(damaged)),
        Line("damaged pictures", "derivatives that were cut short", again, _names(cut)),
        Line("missing pictures", "items whose derivatives are gone", again, [f"item {pk}" for pk in found.undrawn]),
        Line(
            "items without vectors",
            "items that cannot be found by meaning",
            again,
            [f"item {pk}" for pk in found.unembedded],
        ),
        Line(
            "vectors without items",
            "vectors that belong to nothing, or are filed wrongly",
            "--repair deletes them.",
            [f"space {space}, item {item}, part {part}" for space, item, part in found.stray],
        ),
        Line(
            "stuck jobs",
            "jobs that nobody can take over",
            "--repair hands them out again.",
            [f"job {pk}" for pk in found.stuck],
        ),
    ]


def repair(found: Findings, lines: list[Line], backup: Path | None) -> None:
    """Repair what can be repaired, and note in each line how much that was. Doing it again does no harm."""
    by_kind = {line.kind: line for line in lines}
    media = None if backup is None else backup / "media"
    done = {
        "orphan files": 0 if found.strange else sum(map(stored.remove_orphan, found.orphans)),
        "missing originals": _put_back(found.faulty("missing", original=True), media),
        "damaged originals": _put_back(found.faulty("damaged", original=True), media),
        "damaged pictures": sum(map(stored.drop_derivative, found.faulty("damaged", original=False))),
        # First what is wrong, so that what then lacks something is seen at once.
        "vectors without items": min(vectors.drop_stray_vectors(), len(found.stray)),
        "stuck jobs": min(vectors.free_stuck_jobs(), len(found.stuck)),
        "missing pictures": min(missing.enqueue_missing(plan.DECODE), len(found.undrawn)),
        "items without vectors": min(missing.enqueue_missing(plan.EMBED), len(found.unembedded)),
    }
    for kind, number in done.items():
        by_kind[kind].repaired = number


def _put_back(faults: list[Fault], media: Path | None) -> int:
    return 0 if media is None else sum(stored.put_back(fault, media) for fault in faults)


def _names(faults: list[Fault]) -> list[str]:
    return [str(fault) for fault in faults]


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    with tqdm(desc=what, total=total, unit=unit, unit_scale=bool(unit), disable=not sys.stderr.isatty()) as bar:

        def tick(number: int) -> None:
            bar.update(number)

        yield tick
