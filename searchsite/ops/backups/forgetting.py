"""Deletes what restores have left: what they moved aside, and what a kill left of them. Nothing that is in use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from searchsite.config import Config
from searchsite.ops import places
from searchsite.ops.backups import database, journal
from searchsite.ops.backups.layout import ASIDE, STAGING
from searchsite.ops.errors import CannotKeep


def forget_old(config: Config) -> list[str]:
    """Delete what restores have moved aside; says of each what became of it."""
    with database.answering(config), journal.alone(config.media_root):
        places.require_settled(config)
        said, dropped = [], []
        for name in database.of_restores(database.BEFORE):
            try:
                database.drop(config, name)
                dropped.append(name)
                said.append(f"Deleted: {name}")
            except CannotKeep as error:
                said.append(f"Kept: {error}")
        said += [f"Deleted: {one}" for one in drop_unfinished(config)]
        return [*said, *_forget_folders(config, dropped)]


def drop_unfinished(config: Config) -> list[str]:
    """Drop what a restore made that was killed before it exchanged anything; returns what that was."""
    gone = []
    for name in database.of_restores(database.RESTORED):
        # Somebody may be looking at it.
        with suppress(CannotKeep):
            database.drop(config, name)
            gone.append(name)
    shutil.rmtree(config.media_root / STAGING, ignore_errors=True)
    return gone


def _forget_folders(config: Config, dropped: Collection[str]) -> Iterator[str]:
    for folder in sorted(config.media_root.glob(f"{ASIDE}*")):
        if not folder.is_dir():
            continue
        if needed := _needed(folder, dropped):
            yield f"Kept: {folder}: {needed}"
            continue
        shutil.rmtree(folder)
        yield f"Deleted: {folder}"


def _needed(folder: Path, dropped: Collection[str]) -> str | None:
    """Why old files must stay: their database is in use, or nobody knows where it is."""
    stamp = folder.name.removeprefix(ASIDE)
    try:
        said = json.loads((folder / journal.OF_DATABASE).read_text(encoding="utf-8"))
        server, number = said["server"], said["database"]
    except (OSError, ValueError, LookupError, TypeError):
        gone = f"{database.name()}_{database.BEFORE}_{stamp}" in dropped
        return None if gone else "which database it belongs to is not known; delete it yourself if none does."
    if number is None:
        return None
    if server != database.identity(database.name())[0]:
        return "its database is on another server."
    named = database.named(number)
    return None if named is None else f"its database is there, as {named}."
