"""The child: takes limits it cannot lift, decodes one file, answers with bytes. It can open nothing."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
import traceback
from itertools import pairwise
from typing import NoReturn

from searchsite.library.decoder import rendering
from searchsite.library.decoder.calls import allow_work_alone
from searchsite.library.decoder.protocol import CPU_SECONDS, MEMORY_BYTES, Policy, pack_answer

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
STDERR = 2
MEMORY_SENTENCE = "This picture needs more memory than one file may use."
# How HEIC begins, and AVIF, which needs no thread, but loses nothing.
CONTAINER = b"ftyp"
# Loaded before the fork: a child cannot open the library.
C_LIBRARY = ctypes.CDLL(None)


def run(upload: int, reply: socket.socket, errors: int, *, policy: Policy, parent: int) -> NoReturn:
    """Decode the file behind the descriptor and answer; complain to `errors`. Ends the process."""
    code = 1
    try:
        os.dup2(errors, STDERR)
        _let_go_of_all_but(upload, reply.fileno(), STDERR)
        reply.setblocking(True)
        limit(parent, threads=os.pread(upload, 8, 0)[4:] == CONTAINER)
        reply.sendall(_answer(upload, policy))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the parent's loop
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


def _answer(upload: int, policy: Policy) -> bytes:
    try:
        with os.fdopen(upload, "rb") as file:
            return rendering.render(file, policy)
    except MemoryError:
        return pack_answer({"error": MEMORY_SENTENCE}, [])
    except ImportError:  # Ours to mend, in `rendering.PRELOADED`; not the file's fault.
        raise
    except Exception as error:  # noqa: BLE001 - whatever a parser raises on a broken file is an answer about the file
        return pack_answer({"error": rendering.sentence(error)}, [])


def _let_go_of_all_but(*kept: int) -> None:
    """The parent's other descriptors are what it asks and answers on for everybody else."""
    signal.set_wakeup_fd(-1)
    edges = [-1, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for low, high in pairwise(edges):
        os.closerange(low + 1, high)


def limit(parent: int, *, threads: bool) -> bool:
    """No child outlives the parent, gains rights, or opens a file or a socket: it has room for no descriptor.

    Last comes the filter of system calls. False where there is none: then it may start no thread either.
    """
    linux = sys.platform.startswith("linux")
    if linux:
        C_LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        C_LIBRARY.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        C_LIBRARY.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CPU, CPU_SECONDS)
    _lower(resource.RLIMIT_NOFILE, 0)
    if linux:  # macOS refuses this limit.
        _lower(resource.RLIMIT_AS, MEMORY_BYTES)
    if not threads:
        _lower(resource.RLIMIT_NPROC, 0)
    if linux and allow_work_alone(C_LIBRARY, threads=threads):
        return True
    _lower(resource.RLIMIT_NPROC, 0)
    return False


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one.
    resource.setrlimit(limit, (ceiling, ceiling + 1 if limit == resource.RLIMIT_CPU else ceiling))
