"""Whether there is room for what is about to be written: files, and the database where it is embedded."""

from __future__ import annotations

import shutil
from pathlib import Path

from searchsite.config import Config
from searchsite.ops.backups import manifest
from searchsite.ops.backups.manifest import Manifest
from searchsite.ops.errors import CannotKeep

# A database is larger than its dump: indexes are made again, and text is packed. Only for backups that do not say.
TIMES_ITS_DUMP = 4
# What Postgres writes down beside the tables until its next checkpoint: `max_wal_size`.
MOST_LOG = 2 << 30


def for_restore(folder: Path, said: Manifest, config: Config) -> None:
    """Refuse a backup that does not fit beside what is there."""
    bytes_of_database = 0
    if config.database_url is None:
        alone = said.database_bytes or TIMES_ITS_DUMP * (folder / manifest.DUMP).stat().st_size
        bytes_of_database = alone + min(alone, MOST_LOG)
    if config.media_root.stat().st_dev == config.data_dir.stat().st_dev:
        _require(said.bytes + bytes_of_database, config.media_root)
    else:
        _require(said.bytes, config.media_root)
        _require(bytes_of_database, config.data_dir)


def for_backup(bytes_of_originals: int, folder: Path) -> None:
    """Refuse at once what cannot fit; how large a dump gets is known only when it is there."""
    _require(bytes_of_originals, folder)


def _require(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotKeep(f"The disk of {folder} has room for {free:,} bytes, and {needed:,} are needed.")
