"""The warm parent: forks one child for each file, watches its time, says how it ended. It never reads a file."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass

from searchsite.library.decoder import child, rendering, walls
from searchsite.library.decoder.protocol import CPU_SECONDS, MARK, REQUEST, TRAILER, WALL_SECONDS, End, Policy

MOST_COMPLAINTS = 8192
# Linux counts a process's memory in KB, macOS in bytes.
UNITS_A_MEGABYTE = 1 << 20 if sys.platform == "darwin" else 1 << 10


@dataclass
class Running:
    """A child at work, the socket it answers on, the pipe it complains to.

    `trailer` is what is left to say when it has ended.
    """

    pid: int
    reply: socket.socket
    errors: int
    deadline: float
    late: bool = False
    trailer: bytes = b""


def serve(descriptor: int) -> None:
    """Answer requests until the process that started us is gone: its end of the socket closes with it."""
    requests = socket.socket(fileno=descriptor)
    rendering.warm_up()
    walls.close_off(child.C_LIBRARY)
    gc.freeze()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    running: list[Running] = []
    try:
        while True:
            unsaid = [one.reply for one in running if one.trailer]
            readable, _, _ = select.select([descriptor, wake], unsaid, [], _patience(running))
            if wake in readable:
                os.read(wake, 4096)
            running = [one for one in running if not (_has_ended(one) and _is_told(one))]
            if descriptor in readable and not _begin(requests, running):
                return
    finally:
        for one in running:
            if not one.trailer:
                os.kill(one.pid, signal.SIGKILL)


def walls_here() -> dict[str, bool]:
    """Put up the walls of parent and child around this very process, and say which of them stand."""
    standing = walls.close_off(child.C_LIBRARY)
    return standing | {"calls": child.limit(os.getppid(), threads=True)}


def _begin(requests: socket.socket, running: list[Running]) -> bool:
    """Take one request and fork its child; False when the asker is gone."""
    message, descriptors, _, _ = socket.recv_fds(requests, REQUEST.size, 2)
    if len(message) != REQUEST.size or len(descriptors) != 2:
        return False
    upload, reply = descriptors[0], socket.socket(fileno=descriptors[1])
    parent = os.getpid()
    # Our stderr may be a file, and a child may write to none. What does not fit into the pipe is lost.
    errors, complaints = os.pipe()
    os.set_blocking(complaints, False)
    try:
        pid = os.fork()
    except OSError:  # No memory for it, or the user has as many processes as it may: those that run are to go on.
        _refuse(reply, upload, errors, complaints)
        return True
    if pid == 0:
        child.run(upload, reply, complaints, policy=Policy.unpack(message), parent=parent)
    os.close(upload)
    os.close(complaints)
    running.append(Running(pid, reply, errors, time.monotonic() + WALL_SECONDS))
    return True


def _refuse(reply: socket.socket, *descriptors: int) -> None:
    """Say that this file could not be begun."""
    with contextlib.suppress(OSError), reply:
        reply.send(TRAILER.pack(MARK, End.UNBEGUN, 0, 0, 0), socket.MSG_DONTWAIT)
    for one in descriptors:
        os.close(one)


def _patience(running: list[Running]) -> float | None:
    waits = [one.deadline for one in running if not one.late and not one.trailer]
    return max(0.0, min(waits) - time.monotonic()) if waits else None


def _has_ended(one: Running) -> bool:
    """Kill it when it is late, bury it when it is dead."""
    if one.trailer:
        return True
    if not one.late and time.monotonic() >= one.deadline:
        one.late = True
        os.kill(one.pid, signal.SIGKILL)
    pid, status, used = os.wait4(one.pid, os.WNOHANG)
    if pid:
        one.trailer = _trailer(status, used, late=one.late)
        _pass_on(one.errors)
    return bool(pid)


def _pass_on(errors: int) -> None:
    """Say on our stderr what a child that has ended complained about, without controls."""
    with os.fdopen(errors, "rb", buffering=0) as pipe:
        os.set_blocking(errors, False)
        said = pipe.read(MOST_COMPLAINTS) or b""
    shown = "".join(one if one.isprintable() or one == "\n" else "?" for one in said.decode("utf-8", "replace"))
    with contextlib.suppress(OSError, ValueError):  # Nobody may be listening.
        sys.stderr.write(shown)
        sys.stderr.flush()


def _trailer(status: int, used: resource.struct_rusage, *, late: bool) -> bytes:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    megabytes, seconds = used.ru_maxrss // UNITS_A_MEGABYTE, used.ru_utime + used.ru_stime
    if status == 0:
        end = End.WELL
    elif late or number == signal.SIGXCPU or seconds >= CPU_SECONDS:
        end = End.TOO_SLOW
    elif number == signal.SIGKILL:
        end = End.SHOT
    else:
        end = End.KILLED if number else End.BADLY
    return TRAILER.pack(MARK, end, number, megabytes, round(1000 * seconds))


def _is_told(ended: Running) -> bool:
    """Say how it ended. A socket that is still full of the answer takes it later, when the asker has read on."""
    try:
        sent = ended.reply.send(ended.trailer, socket.MSG_DONTWAIT)
    except BlockingIOError:  # The asker reads on, or gives up and closes its end.
        return False
    except OSError:
        sent = len(ended.trailer)
    ended.trailer = ended.trailer[sent:]
    if ended.trailer:
        return False
    ended.reply.close()
    return True
