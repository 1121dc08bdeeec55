"""Keeps the process small: asks glibc for less hoarding. Elsewhere it does nothing."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
ARENAS = 2

_LIBC = ctypes.CDLL(None)


def limit_arenas() -> None:
    """Let threads share two heaps: with one each, what a thread has freed is of no use to the others."""
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system: some 60 MB after loading, and as much after a page was read."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
