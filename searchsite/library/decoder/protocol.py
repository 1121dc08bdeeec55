"""What asker, parent and child say to each other, and what comes out."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

# A request is fixed in size and travels with two descriptors: the file to read and the socket to answer on.
REQUEST = struct.Struct("<QI4H")
# An answer is a length, that much JSON, the pictures it names, and, from the parent, how the child ended
# and what it took: megabytes at most, milliseconds of processor.
LENGTH = struct.Struct("<I")
TRAILER = struct.Struct("<8sBBII")
# An answer without it was cut off: its parent died. No picture ends so by chance.
MARK = b"\xe2\x80\xa0ended"
LARGEST_ANSWER = 32 << 20
WEBP_HEAD = 30

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 20
# The asker's own part comes on top; nobody waits for more than 30.
WALL_SECONDS = 28


class End(IntEnum):
    """How a child ended, as the parent saw it."""

    WELL = 0
    BADLY = 1
    KILLED = 2
    TOO_SLOW = 3
    UNBEGUN = 4
    SHOT = 5
    """Killed from outside: a system that is out of memory takes these first."""


@dataclass(frozen=True)
class Policy:
    """What one picture may be, and the longest sides (at most four) wanted of it."""

    max_pixels: int
    max_side: int
    sizes: tuple[int, ...]

    def pack(self) -> bytes:
        """Encode as a request."""
        return REQUEST.pack(self.max_pixels, self.max_side, *self.sizes, *[0] * (4 - len(self.sizes)))

    @classmethod
    def unpack(cls, data: bytes) -> Policy:
        """Decode a request."""
        max_pixels, max_side, *sizes = REQUEST.unpack(data)
        return cls(max_pixels, max_side, tuple(size for size in sizes if size))


@dataclass(frozen=True)
class Facts:
    """What a rule may use to tell a screenshot from a photo.

    Shares are of its middle: `flat` of pixels that equal their right neighbour, `sharp` of those that differ from it by
    a quarter of the range or more, `clear` of see-through ones. `told`: the program that wrote it says that it is one.
    """

    lossless: bool
    camera: bool
    told: bool
    clear: float
    flat: float
    sharp: float


@dataclass(frozen=True)
class Spent:
    """What a child took: memory at most, and time of processor."""

    megabytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Decoded:
    """A picture made safe. `derivatives` maps the longest side asked for to WebP bytes."""

    width: int
    height: int
    placeholder: str
    derivatives: dict[int, bytes]
    facts: Facts
    spent: Spent = Spent()


class Undecodable(Exception):
    """This file cannot be decoded, and trying again will not help. `str()` is one sentence for people."""

    spent = Spent()


class DecoderGone(Exception):
    """The decoder itself died; the file may be fine, so try again later."""


class DecoderBusy(DecoderGone):
    """It did not even begin with this file."""


def is_frame(data: bytes, longest: int) -> bool:
    """Whether this is a plain WebP as `rendering` makes them, and no longer than asked for: it is decoded again.

    No alpha, no animation, no metadata: nothing but one frame, that of the container's own length.
    """
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8 " or data[23:26] != b"\x9d\x01\x2a" or len(data) < WEBP_HEAD:
        return False
    whole, frame, sides = (struct.unpack_from(form, data, at) for form, at in (("<I", 4), ("<I", 16), ("<HH", 26)))
    sized = all(0 < side <= longest for side in sides)
    return sized and whole[0] + 8 == len(data) and frame[0] + frame[0] % 2 + 20 == len(data)


def pack_answer(header: dict[str, Any], pictures: list[bytes]) -> bytes:
    """Encode an answer without its trailer."""
    head = json.dumps(header | {"lengths": [len(one) for one in pictures]}).encode()
    return b"".join([LENGTH.pack(len(head)), head, *pictures])


def unpack_answer(answer: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Decode an answer without its trailer. Raises ValueError when it is not whole: a child is not trusted."""
    if len(answer) < LENGTH.size:
        raise ValueError("the answer is too short")
    at = LENGTH.size + LENGTH.unpack_from(answer)[0]
    header = json.loads(answer[LENGTH.size : at])
    pictures = []
    for length in header["lengths"]:
        if type(length) is not int or length < 0:
            raise ValueError("a length is no length")
        pictures.append(answer[at : at + length])
        at += length
    if at != len(answer):
        raise ValueError("the answer has the wrong length")
    return header, pictures
