"""What the warm parent puts around itself and its children, once, after it has loaded all that they need.

Each wall stands where the kernel allows it, and silently does not where it is refused: a network of its own with
nothing in it, an empty directory as the root of all files, another user than root, no capabilities.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
import tempfile
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
CAPABILITY_VERSION = 0x20080522
NOBODY = 65534
MOST_DESCRIPTORS = 1024


def close_off(library: ctypes.CDLL) -> dict[str, bool]:
    """Give up network, files and rights. Says which of the walls stand: `network`, `files`."""
    _bound()
    os.chdir("/")
    if not sys.platform.startswith("linux"):
        _become_nobody()
        return {"network": False, "files": False}
    alone = _apart(library, CLONE_NEWNET | CLONE_NEWIPC)
    emptied = alone and _into_nothing()
    _become_nobody()
    if not alone:
        # Whoever is not root may still be the root of a space of his own, until he gives that up as well. Not before
        # `_become_nobody`: there is nobody else in it to become. Not after a change of root, which forbids it.
        alone = _apart(library, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC)
        emptied = alone and _into_nothing()
    _drop_capabilities(library)
    return {"network": alone, "files": emptied}


def _bound() -> None:
    """Let the kernel, short of memory, choose our children before anybody else."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    # It counts all threads of the user, whoever else runs under that name. Children lower it to none for themselves.
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
    # select() takes no higher descriptor, and each child closes all there may be.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _apart(library: ctypes.CDLL, spaces: int) -> bool:
    return bool(library.unshare(spaces) == 0)


def _into_nothing() -> bool:
    """Make an empty directory the root, and remove it: what has no name can hold no file."""
    with contextlib.suppress(OSError):
        folder = Path(tempfile.mkdtemp(prefix="decoder-"))
        above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.chroot(folder)
            os.chdir("/")
            return True
        finally:
            os.rmdir(folder.name, dir_fd=above)
            os.close(above)
    return False


def _become_nobody() -> None:
    if os.getuid() == 0:
        with contextlib.suppress(OSError):  # Root of a namespace may have no other user to become.
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)


def _drop_capabilities(library: ctypes.CDLL) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    library.capset(header, (ctypes.c_uint32 * 6)())
