"""The filter of system calls: what a child may still ask of the kernel, which is memory, its file, its answer, its end.

There is nothing among them that opens, connects, starts, signals or looks at another process. Memory that can be
written is never run. For HEIC alone a child may start threads, as that decoder works in one of its own; the kernel's
limit on processes counts threads as well and cannot tell them apart, a filter can.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
CLONE_THREAD, PROT_EXEC, AT_EMPTY_PATH, ANY = 0x00010000, 0x4, 0x1000, 0xFFFFFFFF
# How the kernel names each processor, and the place of its numbers in the tables below.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# The most frequent first: the kernel compares one after the other.
ALLOWED = {
    "futex": (202, 98),
    "read": (0, 63),
    "lseek": (8, 62),
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "sendto": (44, 206),
    "write": (1, 64),
    "pread64": (17, 67),
    "close": (3, 57),
    "fstat": (5, 80),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# Number, argument, bits: allowed where none of the bits is set, or only where they are.
WITHOUT = {
    "mmap": ((9, 222), 2, PROT_EXEC),
    "mprotect": ((10, 226), 2, PROT_EXEC),
    "prlimit64": ((302, 261), 0, ANY),
}
# How the C library asks about an open file.
WITH = {"newfstatat": ((262, 79), 3, AT_EMPTY_PATH)}
THREADS = {"clone": ((56, 220), 0, CLONE_THREAD)}
CLONE3 = 435
# Instructions of the filter: load a word, compare and jump, return.
LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, DENY = 0x7FFF0000, 0x00050000
NUMBER, PROCESSOR, FIRST_ARGUMENT = 0, 4, 16
# Calls of x86-64 with pointers of 32 bits have their numbers from here on, and the processor's name is the same.
OTHER_INTERFACE = 0x40000000
LARGEST_OF_32_BITS = 0x7FFFFFFF
REFUSED = DENY | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def allow_work_alone(library: ctypes.CDLL, *, threads: bool) -> bool:
    """Refuse this process every call but those of the tables, for good. False where the kernel has no such filter."""
    # A Python of 32 bits on a kernel of 64 asks by other numbers, and would be refused everything.
    known = PROCESSORS.get(platform.machine()) if sys.maxsize > LARGEST_OF_32_BITS else None
    if known is None:
        return False
    code = _filter(*known, threads=threads)
    program = _Program(len(code) // 8, code)
    return bool(library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter(processor: int, place: int, *, threads: bool) -> bytes:
    steps = [
        _step(LOAD, PROCESSOR),
        _step(EQUAL, processor, 1, 0),
        _step(RETURN, REFUSED),
        _step(LOAD, NUMBER),
        _step(AT_LEAST, OTHER_INTERFACE, 0, 1),
        _step(RETURN, REFUSED),
        # Its flags lie in memory that a filter cannot read; without it, the C library goes back to clone.
        _step(EQUAL, CLONE3, 0, 1),
        _step(RETURN, DENY | errno.ENOSYS),
    ]
    for numbers in ALLOWED.values():
        steps += [_step(EQUAL, numbers[place], 0, 1), _step(RETURN, ALLOW)]
    for numbers, argument, bits in WITHOUT.values():
        steps += _by_bits(numbers[place], argument, bits, (REFUSED, ALLOW))
    for numbers, argument, bits in [*WITH.values(), *(THREADS.values() if threads else ())]:
        steps += _by_bits(numbers[place], argument, bits, (ALLOW, REFUSED))
    return b"".join([*steps, _step(RETURN, REFUSED)])


def _by_bits(number: int, argument: int, bits: int, answers: tuple[int, int]) -> list[bytes]:
    """Answer one call by its argument: the first answer where it has one of the bits, else the second."""
    return [
        _step(EQUAL, number, 0, 4),
        _step(LOAD, FIRST_ARGUMENT + 8 * argument),
        _step(HAS_BITS, bits, 0, 1),
        _step(RETURN, answers[0]),
        _step(RETURN, answers[1]),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
