"""Walks the headers of BMP and TIFF files: size, and whether the pixels are there."""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap

from searchsite.library.walking import DAMAGED, TOO_EARLY, Broken, Header, budget, unpack

CORE_HEADER, MOST_HEADER = 12, 1 << 16
UNCOMPRESSED = 0
MOST_ENTRIES = 4_096
WIDTH, HEIGHT = 256, 257
# Strips and tiles: where each lies, and how long it is.
PLACES = {273: 279, 324: 325}
# How TIFF's numbers are stored; others don't stand for sizes and places.
NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
BYTES = {"B": 1, "H": 2, "I": 4, "Q": 8}
LITTLE, BIG = (b"II*\0", b"II+\0"), (b"MM\0*", b"MM\0+")


def is_bmp(data: mmap) -> bool:
    """Whether it begins as BMP does, with a header of a size that there is."""
    return data[:2] == b"BM" and len(data) > 26 and CORE_HEADER <= int.from_bytes(data[14:18], "little") <= MOST_HEADER


def is_tiff(data: mmap) -> bool:
    """Whether it begins as TIFF or BigTIFF does."""
    return data[:4] in (*LITTLE, *BIG)


def read_bmp(data: mmap) -> Header:
    """Read the header; the pixels of one that is not compressed must all be there."""
    offset, header = unpack("<II", data, 10)
    if header == CORE_HEADER:
        width, height, _, bits = unpack("<HHHH", data, 18)
        compression = UNCOMPRESSED
    else:
        # A negative height says that the rows run from top to bottom.
        width, height, _, bits, compression = unpack("<IiHHI", data, 18)
        height = abs(height)
    row = (width * bits + 31) // 32 * 4
    # Decided by the limits first: a size that is a lie deserves that answer.
    if compression == UNCOMPRESSED and width * height < 1 << 32 and offset + row * height > len(data) + 3:
        raise Broken(TOO_EARLY)
    return Header(width, height)


def read_tiff(data: mmap) -> Header:
    """Read the first page, which is the one that is shown; its strips or tiles must lie in the file."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (first,) = unpack(order + ("Q" if big else "I"), data, 8 if big else 4)
    entries = _entries(data, order, first, big=big)
    sizes = [_numbers(data, order, entries.get(tag)) for tag in (WIDTH, HEIGHT)]
    width, height = (next(size, 0) for size in sizes)
    steps = budget(data)
    for place, length in PLACES.items():
        lengths = _numbers(data, order, entries.get(length))
        for begin in _numbers(data, order, entries.get(place)):
            next(steps)
            # Some writers leave the lengths out, or say one byte too many.
            if begin + next(lengths, 0) > len(data) + 1:
                raise Broken(TOO_EARLY)
    return Header(width, height)


def _entries(data: mmap, order: str, at: int, *, big: bool) -> dict[int, tuple[str, int, int]]:
    """The directory: of each tag its kind of number, how many, and where they begin."""
    (number,) = unpack(order + ("Q" if big else "H"), data, at)
    if not number or number > MOST_ENTRIES:
        raise Broken(DAMAGED)
    begin, step, form = (at + 8, 20, "HHQ") if big else (at + 2, 12, "HHI")
    found = {}
    for entry in range(begin, begin + number * step, step):
        tag, kind, count = unpack(order + form, data, entry)
        letter = NUMBERS.get(kind)
        if letter is not None:
            room = 8 if big else 4
            value = entry + step - room
            inline = count * BYTES[letter] <= room
            found[tag] = letter, count, value if inline else unpack(order + ("Q" if big else "I"), data, value)[0]
    return found


def _numbers(data: mmap, order: str, entry: tuple[str, int, int] | None) -> Iterator[int]:
    if entry is None:
        return
    letter, count, begin = entry
    for number in range(count):
        yield unpack(order + letter, data, begin + number * BYTES[letter])[0]
