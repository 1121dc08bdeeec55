"""What lies in MEDIA_ROOT while and after something is restored, and what must not lie there."""

from __future__ import annotations

import re
from pathlib import Path

from searchsite.config import Config
from searchsite.library import files, partials
from searchsite.ops.errors import CannotKeep, CannotStart

# The files that are about to come; the folders of those that were moved aside, each named by the time.
STAGING, ASIDE = ".restoring", "before-restore-"
# Among those that are about to come: a list of them, with the inode of each.
BROUGHT = "brought"


def is_ours(name: str) -> bool:
    """Whether a folder in MEDIA_ROOT holds stored files, or those on their way."""
    return name in (files.INCOMING, partials.FOLDER) or re.fullmatch("[0-9a-f]{2}", name) is not None


def require_apart(path: Path, config: Config) -> None:
    """Refuse a backup among the files that a restore moves or deletes."""
    if taken := _moved_with(path, config):
        raise CannotKeep(f"{path} lies in {taken}, which a restore moves aside or deletes: choose another place.")


def require_data_apart(config: Config) -> None:
    """Refuse to start where a restore would move the database's own files aside."""
    if taken := _moved_with(config.data_dir, config):
        raise CannotStart(f"DATA_DIR lies in {taken}, which a restore moves aside or deletes: set another one.")


def _moved_with(path: Path, config: Config) -> Path | None:
    """The folder that holds a path and is moved or deleted with it. Elsewhere in MEDIA_ROOT nothing is touched."""
    found = path.resolve()
    if not found.is_relative_to(config.media_root) or found == config.media_root:
        return None
    name = found.relative_to(config.media_root).parts[0]
    swallowed = is_ours(name) or name == STAGING or name.startswith(ASIDE)
    return config.media_root / name if swallowed else None
