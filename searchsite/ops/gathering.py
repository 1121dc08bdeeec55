"""Which files a path stands for: what a folder hides and what links lead to stays outside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Gathered:
    """The files, each once and with the folders between it and the path that was named; and what was left out."""

    files: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    hidden: int = 0
    links: int = 0
    unreadable: list[str] = field(default_factory=list)


def gather(paths: Sequence[Path]) -> Gathered:
    """Walk through the paths in the order of their names.

    A path that is named is taken whatever it is called and wherever it leads. Inside a folder, names that begin with a
    dot are left out, and so are links: they may lead out of it, in circles, or to what is taken already. Only plain
    files are taken: no pipe, socket or device is opened.
    """
    found = Gathered()
    for path in paths:
        if path.is_file():
            found.files.setdefault(path, ())
        elif path.is_dir():
            for file in _inside(path, found):
                found.files.setdefault(file, file.relative_to(path).parts[:-1])
    return found


def _inside(root: Path, found: Gathered) -> Iterator[Path]:
    for folder, inner, names in os.walk(root, onerror=lambda error: found.unreadable.append(_said(error))):
        here = Path(folder)
        inner[:] = sorted(name for name in inner if _is_wanted(here / name, found))
        for name in sorted(names):
            file = here / name
            if _is_wanted(file, found) and file.is_file():
                yield file


def _is_wanted(path: Path, found: Gathered) -> bool:
    if path.name.startswith("."):
        found.hidden += 1
        return False
    if path.is_symlink():
        found.links += 1
        return False
    return True


def _said(error: OSError) -> str:
    return f"{error.filename}: the folder cannot be read ({error.strerror})."
