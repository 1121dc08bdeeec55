"""The directories that the embedded servers keep their state and their sockets in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from searchsite.config import Config
from searchsite.ops.errors import CannotStart


def make(config: Config) -> None:
    """Make the data and socket directories, closed to all other users."""
    for directory in (config.data_dir, config.data_dir / "log", config.media_root):
        _make(directory)
    _make(config.socket_dir)
    _require_own(config.socket_dir)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission to write there")
    except OSError as error:
        raise CannotStart(f"The directory {directory} cannot be used: {error.strerror or error}.") from error


def _require_own(directory: Path) -> None:
    """Refuse a directory that others could have prepared: its sockets are trusted without a password."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotStart(f"The directory {directory} is not yours; remove it, or set another DATA_DIR.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        directory.chmod(0o700)
