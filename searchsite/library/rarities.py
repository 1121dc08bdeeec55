"""Reads the sizes of old and rare picture formats, which are taken under their own names alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from mmap import mmap

from searchsite.library.walking import DAMAGED, TOO_EARLY, Broken, Header, unpack

HEAD = 4_096
MOST_ICONS = 256
FITS_CARD, FITS_HEADS = 80, 200
PNG = b"\x89PNG\r\n\x1a\n"
TOKENS = re.compile(rb"(?:\s|#[^\n]*\n)*([^\s#]+)")
NETPBM = {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"Pf"}
TGA_KINDS = {1, 2, 3, 9, 10, 11}
XBM_SIDES = tuple(re.compile(rb"#define\s+\S*_?" + side + rb"\s+(\d{1,9})") for side in (b"width", b"height"))
XPM_HEAD = re.compile(rb'"\s*(\d{1,9})\s+(\d{1,9})\s+\d')
IM_SIZE = re.compile(rb"^Image size[^:\n]*:\s*(\d{1,9})\s*\*\s*(\d{1,9})", re.M)
IMT_SIDES = tuple(re.compile(rb"^" + side + rb"\s+(\d{1,9})\s*$", re.M) for side in (b"width", b"height"))
Reader = Callable[[mmap], Header]


def at(form: str, place: int, *, upside: bool = False) -> Reader:
    """A reader of two numbers at a fixed place: width and height, or `upside` down."""

    def read(data: mmap) -> Header:
        first, second = unpack(form, data, place)
        return Header(second, first) if upside else Header(first, second)

    return read


def begins(*magic: bytes) -> Callable[[mmap], bool]:
    """A test for the first bytes."""
    return lambda data: any(data[: len(one)] == one for one in magic)


def is_tga(data: mmap) -> bool:
    """TGA has no first bytes of its own, only a header in which few numbers make sense."""
    return len(data) > 18 and data[1] in (0, 1) and data[2] in TGA_KINDS and data[16] in (1, 8, 15, 16, 24, 32)


def is_fli(data: mmap) -> bool:
    """FLI and FLC say so in bytes 4 and 5."""
    return data[4:6] in (b"\x11\xaf", b"\x12\xaf") and data[14:16] in (b"\0\0", b"\3\0")


def is_pcx(data: mmap) -> bool:
    """The maker's number and a version that there was."""
    return len(data) > 68 and data[0] == 10 and data[1] in (0, 2, 3, 5) and data[2] in (0, 1)


def is_netpbm(data: mmap) -> bool:
    """PBM, PGM and PPM, as text or not, and the float map; not XV's thumbnails."""
    return (data[:2] in NETPBM and data[2:3].isspace()) or data[:6] == b"P0CMYK"


def is_im(data: mmap) -> bool:
    """A text header that gives a size."""
    return IM_SIZE.search(data[:HEAD]) is not None


def is_imt(data: mmap) -> bool:
    """A text header that gives both sides."""
    return all(side.search(data[:HEAD]) for side in IMT_SIDES)


def is_xbm(data: mmap) -> bool:
    """C source that defines both sides."""
    return all(side.search(data[:HEAD]) for side in XBM_SIDES)


def read_pcx(data: mmap) -> Header:
    """Its header gives a frame: the first and the last pixel."""
    left, top, right, bottom = unpack("<4H", data, 4)
    if right < left or bottom < top:
        raise Broken(DAMAGED)
    return Header(right - left + 1, bottom - top + 1)


def read_netpbm(data: mmap) -> Header:
    """Two numbers after the kind, with comments between them."""
    found = TOKENS.findall(data[:HEAD])[1:3]
    return _sides(*found)


def read_thumbnail(data: mmap) -> Header:
    """XV's thumbnails: the numbers stand in the first line that is no comment."""
    lines = [line for line in bytes(data[:HEAD]).split(b"\n")[1:] if not line.startswith(b"#")]
    return _sides(*lines[0].split()[:2]) if lines else _sides()


def read_xpm(data: mmap) -> Header:
    """The first string holds the sides."""
    return _found(XPM_HEAD, data)


def read_im(data: mmap) -> Header:
    """A line says the size."""
    return _found(IM_SIZE, data)


def read_imt(data: mmap) -> Header:
    """A line for each side."""
    return _each(IMT_SIDES, data)


def read_xbm(data: mmap) -> Header:
    """A definition for each side."""
    return _each(XBM_SIDES, data)


def read_fits(data: mmap) -> Header:
    """The sides of the first picture that has two."""
    sides: dict[bytes, bytes] = {}
    for card in range(0, min(len(data), FITS_HEADS * FITS_CARD), FITS_CARD):
        name, _, value = bytes(data[card : card + FITS_CARD]).partition(b"=")
        if name.strip() in (b"NAXIS1", b"NAXIS2", b"ZNAXIS1", b"ZNAXIS2"):
            sides[name.strip()[-1:]] = value.split(b"/")[0].strip()
    return _sides(*(sides[number] for number in sorted(sides)))


def read_jpeg2000(data: mmap) -> Header:
    """Its `ihdr` box, or the `SIZ` marker of a bare codestream."""
    if data[:4] == b"\xff\x4f\xff\x51":
        right, bottom, left, top = unpack(">4I", data, 8)
        return Header(max(0, right - left), max(0, bottom - top))
    box = data.find(b"ihdr", 0, HEAD)
    if box < 0:
        raise Broken(TOO_EARLY)
    height, width = unpack(">II", data, box + 4)
    return Header(width, height)


def read_icons(data: mmap) -> Header:
    """The largest of an icon file's pictures, by their own headers, as the list holds no more than 256."""
    (number,) = unpack("<H", data, 4)
    if not 0 < number <= MOST_ICONS:
        raise Broken(DAMAGED)
    sizes = [_icon(data, *unpack("<BB6xII", data, 6 + 16 * one)) for one in range(number)]
    return max(sizes, key=lambda one: one.width * one.height)


def _icon(data: mmap, width: int, height: int, length: int, begin: int) -> Header:
    if begin >= len(data):
        raise Broken(TOO_EARLY)
    if data[begin : begin + 8] == PNG:
        return Header(*unpack(">II", data, begin + 16))
    # A bitmap's height counts its mask as well.
    inside, twice = unpack("<ii", data, begin + 4)
    return Header(max(abs(inside), width or 256), max(abs(twice) // 2, height or 256))


def _found(pattern: re.Pattern[bytes], data: mmap) -> Header:
    match = pattern.search(data[:HEAD])
    return _sides(*match.groups()) if match else _sides()


def _each(patterns: tuple[re.Pattern[bytes], ...], data: mmap) -> Header:
    return _sides(*(match.group(1) for match in (one.search(data[:HEAD]) for one in patterns) if match))


def _sides(*numbers: bytes) -> Header:
    if len(numbers) != 2 or not all(one.isdigit() and len(one) < 10 for one in numbers):
        raise Broken(DAMAGED)
    return Header(int(numbers[0]), int(numbers[1]))
