"""What a house needs before anything is started: its protection, its directories, its lock, its port."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from searchsite import exposure
from searchsite.config import Config
from searchsite.ops.errors import CannotStart

# In MEDIA_ROOT, as long as a restore exchanges files and databases.
JOURNAL = ".restore.json"


def require_guarded(config: Config) -> None:
    """Refuse to serve the site to others unprotected, before anything is started."""
    if sentences := list(exposure.in_the_way(config)):
        raise CannotStart("\n".join(sentences))


def is_settled(config: Config) -> bool:
    """Whether no restore was cut off in the midst of its exchange. Raises CannotStart where nobody lets us look."""
    try:
        return not (config.media_root / JOURNAL).exists()
    except OSError as error:
        raise CannotStart(
            f"MEDIA_ROOT {config.media_root} cannot be looked into: {error.strerror}."
            " Is this the user that searchsite runs as?"
        ) from None


def require_settled(config: Config) -> None:
    """Refuse files and a database that may not belong together, since a restore was cut off between the two."""
    if not is_settled(config):
        raise CannotStart(
            "A restore is under way or was cut off, and files and database may not fit together:"
            " `manage.py restore --settle` brings it to an end."
        )


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


@contextmanager
def only_one(config: Config, address: str) -> Iterator[None]:
    """Hold the house's lock, which goes with the process; a second one says who has it."""
    make(config)
    path = config.data_dir / "up.lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"searchsite already runs on {config.data_dir}{_whose(file)}.") from None
        file.truncate(0)
        file.write(f"{os.getpid()} {address}")
        file.flush()
        yield


def _whose(file: IO[str]) -> str:
    file.seek(0)
    words = file.read().split()
    return f": process {words[0]}, {words[1]}" if len(words) == 2 else ""


def clear_sockets(config: Config) -> None:
    """Remove the sockets of an earlier run; nobody listens on them, since we hold the lock."""
    for stale in (config.broker_socket, config.inference_socket, *Path(config.socket_dir).glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def require_port(config: Config) -> None:
    """Refuse a port that is taken, or an address that isn't ours, before anything is started."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except socket.gaierror:
            raise CannotStart(f"HOST {config.host} is not an address of this machine.") from None
        except OSError as error:
            raise CannotStart(
                f"Port {config.port} on {config.host} cannot be used ({error.strerror}):"
                f" stop what uses it, or choose another, as in `PORT={config.port % 65535 + 1} make run`."
            ) from None
