"""Walks the boxes of AVIF and HEIC files: the codec by its brands, size, frames, and whether the end is there."""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap

from searchsite.library.walking import DAMAGED, TOO_EARLY, Broken, Header, budget, unpack

AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# They name the container alone; the brands it is compatible with name the codec.
GENERAL_BRANDS = frozenset({b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"1pic"})
MOST_BRANDS = 32
# Boxes that hold boxes, and how many bytes come before those.
INSIDE = {
    b"meta": 4,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
}
DEEPEST = 8


def is_avif(data: mmap) -> bool:
    """Whether the brands say AV1."""
    return bool(_brands(data) & AVIF_BRANDS)


def is_heic(data: mmap) -> bool:
    """Whether the brands say HEVC, in a picture."""
    brands = _brands(data)
    return bool(brands & HEIC_BRANDS) and not brands & AVIF_BRANDS


def read_boxes(data: mmap) -> Header:
    """Return the largest size that any picture in the file has, and how many a sequence has."""
    sizes: list[tuple[int, int]] = []
    frames, meta = 1, False
    for kind, at in _boxes(data, 0, len(data), budget(data)):
        meta = meta or kind == b"meta"
        if kind == b"ispe":
            sizes.append(unpack(">II", data, at + 4))
        elif kind == b"stsz":
            frames = max(frames, unpack(">I", data, at + 8)[0])
    if not meta or not sizes:
        raise Broken(DAMAGED)
    # A picture may be put together from tiles, and hold its own thumbnail: the largest is what memory is needed for.
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header(width, height, frames)


def _brands(data: mmap) -> set[bytes]:
    """The major brand and, where that is a general one, those it is compatible with. Nothing for other files."""
    if data[4:8] != b"ftyp":
        return set()
    major, end = bytes(data[8:12]), min(int.from_bytes(data[:4], "big"), 16 + 4 * MOST_BRANDS)
    if major not in GENERAL_BRANDS:
        return {major}
    return {bytes(data[at : at + 4]) for at in range(16, end, 4)}


def _boxes(data: mmap, at: int, end: int, steps: Iterator[None], depth: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each box's kind and where its content begins, with those inside it."""
    while at + 8 <= end:
        next(steps)
        length, kind = unpack(">I4s", data, at)
        begin = at + 8
        if length == 1:
            length, begin = unpack(">Q", data, begin)[0], begin + 8
        past = end if length == 0 else at + length
        if past > end:
            raise Broken(TOO_EARLY)
        if past < begin:
            raise Broken(DAMAGED)
        yield kind, begin
        if kind in INSIDE and depth < DEEPEST:
            yield from _boxes(data, begin + INSIDE[kind], past, steps, depth + 1)
        at = past
