"""Puts many files in, past bad ones, and comes to a clean stop when somebody presses Ctrl-C."""

from __future__ import annotations

import hashlib
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from searchsite.library import bulk, intake
from searchsite.library.intake import Place
from searchsite.library.refusals import Refusal

CHUNK = 1 << 20
# Tags are written for so many items at once.
TAGGED_AT_ONCE = 200


@dataclass
class Taken:
    """What became of the files so far. `items` are those that are new, or would be."""

    items: list[int] = field(default_factory=list)
    new: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many files have been looked at."""
        return self.new + self.known + len(self.refused)

    def __str__(self) -> str:
        return f"{self.new} new, {self.known} known, {len(self.refused)} refused"


@dataclass(frozen=True)
class Wish:
    """Where the files go, and what is done with them on the way."""

    place: Place
    tags: tuple[str, ...] = ()
    folders_as_tags: bool = False
    dry: bool = False


class Stop:
    """Whether somebody pressed Ctrl-C. The second time ends everything at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stopping() -> Iterator[Stop]:
    """Let Ctrl-C ask for an end instead of causing one."""
    stop = Stop()
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def take(files: Mapping[Path, tuple[str, ...]], wish: Wish, *, stop: Stop) -> Iterator[Taken]:
    """Put the files in one by one; yield where it stands after each. What was not taken is told with its reason."""
    taken, seen = Taken(), set[str]()
    waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
    try:
        for path, folders in files.items():
            if stop.asked:
                return
            item = _one(path, wish, taken, seen)
            names = (*wish.tags, *(folders if wish.folders_as_tags else ()))
            if item is not None and names:
                waiting[names].append(item)
                if len(waiting[names]) >= TAGGED_AT_ONCE:
                    _tag(waiting.pop(names), names, wish.place)
            yield taken
    finally:
        # Also after Ctrl-C, so that nothing is in without the tags that were asked for.
        for names, items in waiting.items():
            _tag(items, names, wish.place)


def _one(path: Path, wish: Wish, taken: Taken, seen: set[str]) -> int | None:
    """Put one file in. Returns the item that holds it now; None where it was refused, or nothing is to be done."""
    try:
        digest = _digest(path)
        known = intake.holder_of(digest, wish.place)
        if known is not None or (wish.dry and digest in seen):
            taken.known += 1
            return known if not wish.dry else None
        seen.add(digest)
        if wish.dry:
            intake.check_file(path)
            taken.new += 1
            return None
        with path.open("rb") as file:
            added = intake.add_file(file, path.name, into=wish.place)
    except Refusal as refusal:
        taken.refused.append(f"{path}: {refusal}")
    except OSError as error:
        taken.refused.append(f"{path}: it cannot be read ({error.strerror}).")
    else:
        taken.new += added.created
        taken.known += not added.created
        if added.created:
            taken.items.append(added.item.pk)
        return added.item.pk
    return None


def _digest(path: Path) -> str:
    """Reading is a tenth of the work of putting in; so a file that is in already is told before anything is written."""
    intake.check_size(path.stat().st_size)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _tag(items: list[int], names: tuple[str, ...], place: Place) -> None:
    bulk.tag_all(items, add=names, scope=place.scope)
