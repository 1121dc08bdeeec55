"""What a backup says of itself: `manifest.json`, and `SHA256SUMS` with a line for each file, as sha256sum reads it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from searchsite.ops.errors import CannotKeep

FORMAT = 2
MANIFEST, SUMS, DUMP, MEDIA = "manifest.json", "SHA256SUMS", "database.dump", "media"
# Names that we give, and no others: what a backup lists is written where its names say.
NAME = re.compile(rf"{DUMP}|{MEDIA}/([0-9a-f]{{2}})/([0-9a-f]{{2}})/\1\2[0-9a-f]{{60}}(\.\d+\.webp)?")
LINE = re.compile(r"([0-9a-f]{64})  (\S+)\n?")
SEAL = "seal"
# What the first format did not say.
SINCE = {"database_bytes": 0, "unreadable": 0, "faults": {}}
# The largest manifest that is read: with all the names that it may hold it has a fourth of that.
MOST_BYTES = 4 << 20
# Digests of faulty files that it names; it counts them all.
MOST_NAMED = 10_000


@dataclass(frozen=True)
class Manifest:
    """When it was made, of what, how much. `postgres` is the version of pg_dump, `sums` the digest of SHA256SUMS.

    `faults` names by their digests what is not in it, or is not what it was: `missing`, `unreadable`, `damaged`.
    """

    format: int
    created_at: str
    postgres: int
    migrations: list[str]
    counts: Mapping[str, int]
    embedder: str
    preset: str
    derivatives: bool
    files: int
    bytes: int
    missing: int
    damaged: int
    sums: str
    database_bytes: int
    unreadable: int
    faults: Mapping[str, list[str]]

    def write(self, folder: Path) -> None:
        """Write it, sealed by a digest of its own."""
        said = asdict(self)
        with private(folder / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(said | {SEAL: _seal(said)}, file, indent=1)


def private(path: Path) -> Path:
    """Make an empty file that only its owner may read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup. Raises CannotKeep where there is none, or it is broken."""
    path = folder / MANIFEST
    try:
        with path.open(encoding="utf-8") as file:
            said = json.loads(file.read(MOST_BYTES))
    except FileNotFoundError:
        raise CannotKeep(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError):
        raise CannotKeep(f"The backup is broken: {path} cannot be read.") from None
    if not isinstance(said, dict) or not isinstance(said.get("format"), int):
        raise CannotKeep(f"The backup is broken: {path} is not a manifest.")
    if said["format"] > FORMAT:
        raise CannotKeep("The backup was made by a newer version of searchsite: restore it with that.")
    seal = said.pop(SEAL, None)
    whole = seal == _seal(said)
    if said["format"] < FORMAT:
        said = {**SINCE, **said}
    if not whole or set(said) != {one.name for one in fields(Manifest)}:
        raise CannotKeep(f"The backup is broken: {path} was changed.")
    return Manifest(**said)


def listed(folder: Path, sums: str) -> Iterator[tuple[str, str]]:
    """The digest and name of each file that SHA256SUMS lists. Raises CannotKeep where the list itself is not whole."""
    digest = hashlib.sha256()
    try:
        with (folder / SUMS).open(encoding="ascii") as file:
            for line in file:
                digest.update(line.encode("ascii"))
                found = LINE.fullmatch(line)
                if found is None or not NAME.fullmatch(found[2]):
                    raise CannotKeep(f"The backup is broken: {SUMS} has a line that it should not have.")
                yield found[1], found[2]
    except (OSError, UnicodeDecodeError):
        raise CannotKeep(f"The backup is broken: {SUMS} cannot be read.") from None
    if digest.hexdigest() != sums:
        raise CannotKeep(f"The backup is broken: {SUMS} is not whole.")


def _seal(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
