"""Starts one program on a leash: own session, tied to the life of whoever started it, then exec.

Run as a script by path (`python -I -S leash.py ...`), so that it costs 15 ms; of ours it imports the priority alone.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NAMESPACE_REFUSED = 97
NOBODY = 65534


def die_with_parent(parent: int, number: int) -> None:
    """Ask Linux to send a signal when the thread that started this process ends."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # It ended before the request was in place.
        sys.exit(1)


def enter_user_namespace() -> None:
    """Become `nobody` in a namespace of our own; outside, files stay those of the user who started us."""
    uid, gid = os.getuid(), os.getgid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1", encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=signal.SIGKILL)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--user-namespace", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    os.setsid()
    if options.user_namespace:
        try:
            enter_user_namespace()
        except OSError as error:
            print(f"user namespace refused: {error.strerror}", file=sys.stderr)
            sys.exit(NAMESPACE_REFUSED)
    if options.nice:
        # It runs without any path to modules (-I -S).
        sys.path.append(str(Path(__file__).parents[2]))
        from searchsite.priority import step_back  # noqa: PLC0415

        with contextlib.suppress(OSError):
            if not step_back(min(19, os.nice(0) + options.nice)):
                print("Its session keeps the priority of the others.", file=sys.stderr)
    die_with_parent(options.parent, options.signal)
    os.execv(options.command[0], options.command)


if __name__ == "__main__":
    main()
