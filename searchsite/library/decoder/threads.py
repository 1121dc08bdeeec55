"""Lets a child start threads and yet no process: the decoder of HEIC works in a thread of its own.

The kernel's limit on processes counts threads as well, so it cannot tell them apart; a filter of system calls can.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
CLONE_THREAD = 0x00010000
# Of each processor: how the kernel names it, clone, and what else makes a process or turns into another program.
CLONE3 = 435
PROCESSORS = {
    "x86_64": (0xC000003E, 56, (57, 58, 59, 322)),
    "aarch64": (0xC00000B7, 220, (221, 281)),
}
# Instructions of the filter: load a word, compare and jump, return.
LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, DENY = 0x7FFF0000, 0x00050000
NUMBER, PROCESSOR, FIRST_ARGUMENT = 0, 4, 16
OTHER_INTERFACE = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def allow_threads_alone(library: ctypes.CDLL) -> bool:
    """Forbid this process to make others. False where that is not possible: then it may start no thread either."""
    known = PROCESSORS.get(platform.machine())
    if known is None:
        return False
    code = _filter(*known)
    program = _Program(len(code) // 8, code)
    return bool(library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter(processor: int, clone: int, forbidden: tuple[int, ...]) -> bytes:
    steps = [
        _step(LOAD, PROCESSOR),
        _step(EQUAL, processor, 1, 0),
        _step(RETURN, DENY | errno.EPERM),
        _step(LOAD, NUMBER),
        _step(AT_LEAST, OTHER_INTERFACE, 0, 1),
        _step(RETURN, DENY | errno.EPERM),
        # Its flags lie in memory that a filter cannot read; without it, the C library goes back to clone.
        _step(EQUAL, CLONE3, 0, 1),
        _step(RETURN, DENY | errno.ENOSYS),
    ]
    for number in forbidden:
        steps += [_step(EQUAL, number, 0, 1), _step(RETURN, DENY | errno.EPERM)]
    steps += [
        _step(EQUAL, clone, 0, 3),
        _step(LOAD, FIRST_ARGUMENT),
        _step(HAS_BITS, CLONE_THREAD, 1, 0),
        _step(RETURN, DENY | errno.EPERM),
        _step(RETURN, ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
