"""Walks the structure of JPEG, PNG, GIF and WebP files: size, frames, and whether the end is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap

from django.utils.translation import gettext_noop

from searchsite.library.walking import DAMAGED, TOO_EARLY, Broken, Header, budget, unpack

# A camera writes a handful; a file of nothing but tiny chunks costs the decoder seconds.
MAX_CHUNKS = 5_000
# More is made to burn time: each scan of a progressive JPEG passes over the whole picture.
MAX_SCANS = 200
MAX_BLOCKS = 20_000
# What is no pixel of a scan, no restart and no fill byte.
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Pixels that no limit lets in: whether the rest of the file is there no longer matters.
HUGE = 1 << 30


def read_png(data: mmap) -> Header:
    """Walk the chunks from IHDR to IEND."""
    length, kind, width, height = unpack(">I4sII", data, 8)
    if kind != b"IHDR" or length != 13:
        raise Broken(DAMAGED)
    at, frames, extra, seen, moved = 8, 1, 0, False, 0
    steps = budget(data)
    while kind != b"IEND":
        next(steps)
        length, kind = unpack(">I4s", data, at)
        if kind == b"acTL":
            frames = max(1, unpack(">I", data, at + 8)[0])
        elif kind == b"IDAT":
            seen = True
        elif kind == b"fcTL":
            moved += 1
        elif kind != b"fdAT":
            extra += 1
        if extra > MAX_CHUNKS:
            raise Broken(gettext_noop("it holds too many parts that are no pixels"))
        at += 12 + length
    if at > len(data) or not seen:
        raise Broken(TOO_EARLY)
    # Not all that show it believe what it says of itself.
    return Header(width, height, max(frames, moved))


def read_jpeg(data: mmap) -> Header:
    """Walk the segments to the first scan; the end marker must come after it."""
    at, size = 2, None
    for _ in budget(data):
        mark, kind = unpack(">BB", data, at)
        if mark != 0xFF:
            raise Broken(DAMAGED)
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD8:  # Fill bytes, and markers without a length.
            at += 1 if kind == 0xFF else 2
            continue
        if kind == 0xDA:
            break
        if kind == 0xD9:
            raise Broken(gettext_noop("it holds no pixels"))
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            size = unpack(">HH", data, at + 5)
        at += 2 + max(2, unpack(">H", data, at + 2)[0])
    if size is None or data.rfind(b"\xff\xd9") < at:
        raise Broken(TOO_EARLY)
    if _scans(data, at) > MAX_SCANS:
        raise Broken(gettext_noop("it has too many scans"))
    return Header(size[1], size[0])


def _scans(data: mmap, at: int) -> int:
    """How many scans a decoder meets from here to the end marker; a phone puts a film behind it, with any bytes."""
    number, steps = 0, budget(data)
    while number <= MAX_SCANS and (found := MARKER.search(data, at)):
        next(steps)
        kind, at = data[found.end() - 1], found.end()
        if kind == 0xD9:
            break
        number += kind == 0xDA
        # Else an end marker in a comment would hide the scans behind it.
        if kind not in (0x01, 0xD8) and at + 2 <= len(data):
            at += max(2, unpack(">H", data, at)[0])
    return number


def read_gif(data: mmap) -> Header:
    """Walk the blocks; a missing trailer is forgiven, as everybody does, half a block is not."""
    width, height, flags = unpack("<HHB", data, 6)
    at, frames = 13 + _palette(flags), 0
    steps = budget(data)
    while at < len(data) and frames <= MAX_BLOCKS:
        block = data[at]
        if block == 0x21:
            at = _past_blocks(data, at + 2, steps)
        elif block == 0x2C:
            # A frame may reach beyond the canvas, and the decoder makes room for both.
            left, top, wide, high, own = unpack("<HHHHB", data, at + 1)
            width, height = max(width, left + wide), max(height, top + high)
            if width * height > HUGE:
                return Header(width, height)
            at = _past_blocks(data, at + 11 + _palette(own), steps)
            frames += 1
        else:  # The trailer, or what somebody put behind the last frame.
            break
    if not frames:
        raise Broken(gettext_noop("it holds no pixels"))
    return Header(width, height, frames)


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _past_blocks(data: mmap, at: int, steps: Iterator[None]) -> int:
    while True:
        next(steps)
        (length,) = unpack("<B", data, at)
        at += 1 + length
        if not length:
            return at


def read_webp(data: mmap) -> Header:
    """Walk the chunks of the RIFF container."""
    end = unpack("<I", data, 4)[0] + 8
    if end > len(data):
        raise Broken(TOO_EARLY)
    at, frames, canvas, chunks = 12, 0, None, 0
    while at + 8 <= end:
        kind, length = bytes(data[at : at + 4]), unpack("<I", data, at + 4)[0]
        if kind == b"VP8X":
            canvas = _three_bytes(data, at + 12), _three_bytes(data, at + 15)
        elif kind == b"VP8 ":
            width, height = unpack("<HH", data, at + 14)
            canvas = canvas or (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"VP8L":
            (bits,) = unpack("<I", data, at + 9)
            canvas = canvas or ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        frames, chunks = frames + (kind == b"ANMF"), chunks + 1
        at += 8 + length + length % 2
        if chunks > 2 * MAX_CHUNKS:
            raise Broken(gettext_noop("it holds too many parts"))
    if canvas is None or at > end + 1:
        raise Broken(TOO_EARLY)
    return Header(*canvas, max(1, frames))


def _three_bytes(data: mmap, at: int) -> int:
    low, high = unpack("<HB", data, at)
    return int(low | high << 16) + 1
