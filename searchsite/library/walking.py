"""What every walk through a file's structure needs: its result, its error, its budget of steps."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from django.utils.translation import gettext_noop

# A step costs a few tenths of a microsecond. Encoders of GIF step by 255 bytes, all others by thousands.
MAX_STEPS, BYTES_A_STEP = 100_000, 128
TOO_EARLY = gettext_noop("the file ends too early")
DAMAGED = gettext_noop("its header is damaged")


class Broken(Exception):
    """The structure breaks off or makes no sense. `str()` completes a sentence."""


@dataclass(frozen=True)
class Header:
    """What the header says."""

    width: int
    height: int
    frames: int = 1


def unpack(form: str, data: mmap, at: int) -> tuple[Any, ...]:
    """Read numbers at a place; Broken where the file has ended before."""
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise Broken(TOO_EARLY) from error


def budget(data: mmap) -> Iterator[None]:
    """Take one for each step of a walk; it raises Broken when there have been too many for a file of this size."""
    for _ in range(MAX_STEPS + len(data) // BYTES_A_STEP):
        yield
    raise Broken(gettext_noop("it is made of too many tiny pieces"))
