"""Files made to do harm, each with what must become of it. Small in memory, drawn by Pillow or written by hand.

`REFUSED` are turned away at the door, `FAILED` come in and are found out by the decoder, `READY` do no harm and are
shown. A number is the status that the door answers with, where that is not 422.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pillow_heif
from PIL import Image

from tests.library.drawn import PNG_SIGNATURE, chunk, encoded, gif, jpeg, photo, png, progressive_scans

READY, FAILED, REFUSED, UNWANTED, TOO_LARGE = "ready", "failed", 422, 415, 413
Fate = int | str
pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class Hostile:
    """A file by its name, how it is made, and how it may end."""

    name: str
    make: Callable[[], bytes]
    fates: tuple[Fate, ...]

    @property
    def data(self) -> bytes:
        """The file; a small one is made once."""
        if self.name not in _MADE:
            made = self.make()
            if len(made) > 1 << 20:
                return made
            _MADE[self.name] = made
        return _MADE[self.name]


_MADE: dict[str, bytes] = {}


def _squeezed(size: int, level: int = 9) -> bytes:
    """So many zeros, compressed."""
    squeeze, block = zlib.compressobj(level), bytes(1 << 20)
    return b"".join(squeeze.compress(block) for _ in range(size >> 20)) + squeeze.flush()


def _png(width: int, height: int, kind: bytes, *parts: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">II", width, height) + kind)
    return PNG_SIGNATURE + header + b"".join(parts) + chunk(b"IEND", b"")


def _deep_png(width: int, height: int) -> bytes:
    """Eight bytes a pixel: red, green, blue and alpha of 16 bits."""
    return _png(width, height, b"\x10\6\0\0\0", chunk(b"IDAT", _squeezed(height * (8 * width + 1) + (1 << 20), 1)))


def _moving_png(said: int, real: int) -> bytes:
    """An animation that says it has so many frames of 4000 x 4000, and has so many."""
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4000, 4000, 0, 0, 1, 1, 0, 0))
    pixels = zlib.compress(bytes(501 * 4000))
    return _png(
        4000, 4000, b"\1\0\0\0\0", chunk(b"acTL", struct.pack(">II", said, 0)), frame * real, chunk(b"IDAT", pixels)
    )


def _exif(*entries: bytes, following: int = 0, head: bytes = b"II*\0\x08\0\0\0") -> bytes:
    return head + struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)


def _entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def _exif_jpeg(data: bytes) -> bytes:
    return jpeg(exif=b"Exif\0\0" + data)


def _jpeg_part(kind: int, data: bytes) -> bytes:
    """A sound JPEG with one more segment."""
    return jpeg()[:2] + struct.pack(">BBH", 0xFF, kind, 2 + len(data)) + data + jpeg()[2:]


def _sized_jpeg(width: int, height: int) -> bytes:
    """A small JPEG that claims to be larger."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _twice_sized_jpeg() -> bytes:
    """Two headers of a frame, the large one in front."""
    data, large = jpeg(), _sized_jpeg(29_000, 29_000)
    at = data.index(b"\xff\xc0")
    return data[:at] + large[at : at + 19] + data[at:]


def _many_scans(number: int) -> bytes:
    """A progressive JPEG of 49 million pixels, of which one scan is there again and again."""
    return progressive_scans(number, picture=Image.new("RGB", (7000, 7000), "red"))


def _webp(kind: bytes, data: bytes) -> bytes:
    whole = b"WEBP" + kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _moving_webp(width: int, height: int, frames: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    picture = encoded(Image.new("RGB", (16, 16)), "WEBP")[12:]
    frame = bytes(6) + (15).to_bytes(3, "little") * 2 + b"\1\0\0\0" + picture
    parts = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    parts += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * frames
    whole = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + sides + parts
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _boxed(kind: str, said: int) -> bytes:
    """AVIF or HEIC of 64 x 64 that claims to be larger."""
    data = encoded(Image.new("RGB", (64, 64)), kind)
    size = b"ispe" + bytes(4) + struct.pack(">II", 64, 64)
    return data.replace(size, size[:8] + struct.pack(">II", said, said))


def _tiff(*entries: bytes, following: int = 0, pixels: bytes = b"") -> bytes:
    """A TIFF with its directory in front; entries that hold -1 get the place of the pixels."""
    place = 8 + 2 + 12 * len(entries) + 4
    placed = [one.replace(b"\xff\xff\xff\xff", struct.pack("<I", place)) for one in entries]
    return _exif(*placed, following=following) + pixels


def _grey_tiff(width: int, height: int, compression: int, pixels: bytes, *, bits: int = 8, samples: int = 1) -> bytes:
    tags = ((256, width), (257, height), (258, bits), (259, compression), (262, 1), (273, 0xFFFFFFFF), (277, samples))
    more = ((278, height), (279, len(pixels)))
    return _tiff(*(_entry(tag, 4, 1, value) for tag, value in (*tags, *more)), pixels=pixels)


def _pages(number: int, *, loop: bool) -> bytes:
    """A TIFF of so many directories; with a loop the last names the first."""
    first = _grey_tiff(8, 8, 1, bytes(64))
    size = 2 + 12 * 9 + 4
    pages = [first]
    for page in range(number):
        place = len(first) + size * page
        after = (8 if loop else 0) if page == number - 1 else place + size
        entries = [_entry(tag, 4, 1, 8) for tag in (256, 257, 258, 273, 279)]
        pages.append(_exif(*entries, *[_entry(300 + one, 4, 1, 0) for one in range(4)], following=after, head=b""))
    data = b"".join(pages)
    end = 8 + size - 4
    return data[:end] + struct.pack("<I", len(first)) + data[end + 4 :]


def _bmp(width: int, height: int, compression: int = 0, bits: int = 8, rest: bytes = b"") -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(rest), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(rest), 0, 0, 54 + 1024) + header + bytes(1024) + rest


def _icons(number: int, inside: bytes) -> bytes:
    """An icon file whose every entry names the same picture."""
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inside), 6 + 16 * number)
    return struct.pack("<HHH", 0, 1, number) + entry * number + inside


def _tga(width: int, height: int, rest: bytes, kind: int = 10) -> bytes:
    return struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, width, height, 24, 0) + rest


def _psd(width: int, height: int, channels: int) -> bytes:
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", channels, height, width, 8, 3)
    return head + bytes(12) + b"\0\1" + bytes(2 * channels * height)


def _jp2(components: int, tile: int, side: int = 4000) -> bytes:
    sizes = struct.pack(">HIIIIIIIIH", 0, side, side, 0, 0, tile, tile, 0, 0, components)
    size = b"\xff\x51" + struct.pack(">H", 2 + len(sizes) + 3 * components) + sizes + b"\7\1\1" * components
    return b"\xff\x4f" + size + b"\xff\x52\0\x0c\0\0\0\1\0\5\4\4\0\1" + b"\xff\x5c\0\x04\x40\x40" + b"\xff\xd9"


def _zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


@cache
def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _marks() -> bytes:
    return ("a" + "\u0301" * 400_000 + "\u0316" * 400_000).encode()


HTML = b"<html><script>alert(document.domain)</script></html>"
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script>'
    b'<foreignObject><iframe src="javascript:alert(3)"/></foreignObject><image href="http://127.0.0.1/"/></svg>'
)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n(/etc/passwd) (r) file\nshowpage\n"
FLI = struct.pack("<IHHHHHHI", 128, 0xAF11, 60_000, 4000, 4000, 8, 3, 0)
FITS = "".join(
    f"{card:<80}" for card in ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 4000", "NAXIS2  = 4000", "END")
)
IM = b"Image type: Greyscale image\r\nImage size (x*y): 4000*4000\r\nFile size (no of images): 99999999\r\n"
XPM = b'/* XPM */\nstatic char *x[] = {\n"4000 4000 90 1",\n' + b"".join(
    b'"%c c #000000",\n' % c for c in range(35, 125)
)


def _pictures() -> Iterator[tuple[str, Callable[[], bytes], tuple[Fate, ...]]]:
    """Common formats."""
    yield "pixels-400-million.png", lambda: png(20_000, 20_000), (REFUSED,)
    yield "pixels-177-million.png", lambda: png(13_300, 13_300), (REFUSED,)
    yield "pixels-most.png", lambda: png(7_070, 7_070), (READY,)
    yield "deep-most.png", lambda: _deep_png(7_000, 7_000), (READY, FAILED)
    yield "deep-missing.png", lambda: _png(7_000, 7_000, b"\x10\6\0\0\1", chunk(b"IDAT", _squeezed(1 << 20))), (FAILED,)
    yield "strip.png", lambda: png(1_000_000, 80), (REFUSED,)
    yield "pixels-behind.png", lambda: png(10, 10, pixels=_squeezed(64 << 20)), (READY, FAILED)
    yield "text-chunks.png", lambda: png(100, 100, extra=chunk(b"tEXt", b"k\0v") * 300_000), (REFUSED,)
    yield "text-swells.png", lambda: png(9, 9, extra=chunk(b"zTXt", b"k\0\0" + _squeezed(60 << 20))), (FAILED,)
    yield "texts-swell.png", lambda: png(9, 9, extra=chunk(b"zTXt", b"k\0\0" + _squeezed(1 << 20)) * 200), (FAILED,)
    yield "profile-swells.png", lambda: png(9, 9, extra=chunk(b"iCCP", b"i\0\0" + _squeezed(200 << 20, 1))), (FAILED,)
    yield "profile-tags.png", lambda: encoded(photo(), icc_profile=_profile(65_535)), (READY,)
    yield "page-inside.png", lambda: png(9, 9, extra=chunk(b"tEXt", b"Comment\0" + HTML)), (READY,)
    yield "moving.png", lambda: _moving_png(500, 1), (REFUSED,)
    yield "moving-secretly.png", lambda: _moving_png(1, 500), (REFUSED,)
    yield "exif-loop.png", lambda: png(9, 9, extra=chunk(b"eXIf", _exif(_entry(0x8769, 4, 1, 8)))), (READY,)
    yield "half.png", lambda: encoded(photo())[:20_000], (REFUSED,)
    yield "scans.jpg", lambda: progressive_scans(300), (REFUSED,)
    yield "half.jpg", lambda: jpeg()[: len(jpeg()) // 2], (REFUSED,)
    yield "no-end.jpg", lambda: jpeg()[:-2], (REFUSED,)
    yield "sides.jpg", lambda: _sized_jpeg(65_500, 65_500), (REFUSED,)
    yield "sides-most.jpg", lambda: _sized_jpeg(7_000, 7_000), (READY, FAILED)
    yield "sides-twice.jpg", _twice_sized_jpeg, (FAILED, REFUSED)
    yield "page-inside.jpg", lambda: _jpeg_part(0xFE, HTML * 1_000), (READY,)
    yield "archive-behind.jpg", lambda: jpeg() + _zipped("x.php", b"<?php phpinfo();") + HTML, (READY,)
    yield "exif-loop.jpg", lambda: _exif_jpeg(_exif(_entry(0x8769, 4, 1, 8), following=8)), (READY,)
    yield "exif-turn.jpg", lambda: _exif_jpeg(_exif(_entry(0x0112, 3, 1, 65_535))), (READY,)
    yield "exif-count.jpg", lambda: _exif_jpeg(_exif(_entry(0x9286, 7, 0xFFFFFFF0, 8))), (READY,)
    yield "quantiles.jpg", lambda: _jpeg_part(0xDB, bytes(65)), (READY, FAILED)
    yield "canvas.gif", lambda: gif(65_535, 65_535), (REFUSED,)
    yield "frames.gif", lambda: gif(1, 1, frames=30_000), (REFUSED,)
    yield "moving.gif", lambda: gif(4_000, 4_000, frames=500), (REFUSED,)
    yield "script.gif", lambda: b"GIF89a/*\0\0\0\0\0" + b"*/=alert(1);", (REFUSED,)
    yield (
        "pixels-176-million.webp",
        lambda: _webp(b"VP8 ", b"\x10\0\0\x9d\1\x2a" + struct.pack("<HH", 16_000, 11_000)),
        (REFUSED,),
    )
    yield "moving.webp", lambda: _moving_webp(4_000, 4_000, 500), (REFUSED,)
    yield "canvas.webp", lambda: _moving_webp(1 << 24, 1 << 24, 1), (REFUSED,)
    yield "frame-missing.webp", lambda: _webp(b"VP8L", b"\x2f" + struct.pack("<I", 6999 | 6999 << 14)), (FAILED,)
    yield "canvas.avif", lambda: _boxed("AVIF", 13_000), (REFUSED,)
    yield "canvas-most.avif", lambda: _boxed("AVIF", 7_000), (FAILED, READY)
    yield "canvas.heic", lambda: _boxed("HEIF", 8_000), (REFUSED,)
    yield "canvas-most.heic", lambda: _boxed("HEIF", 7_000), (FAILED, READY)
    yield "pixels-169-million.tif", lambda: _grey_tiff(13_000, 13_000, 5, b"\x80\0"), (REFUSED,)
    yield "pages.tif", lambda: _pages(10_000, loop=False), (READY,)
    yield "pages-loop.tif", lambda: _pages(3, loop=True), (READY,)
    yield "swells.tif", lambda: _grey_tiff(7_000, 7_000, 8, _squeezed(49 << 20)), (READY,)
    yield "swells-more.tif", lambda: _grey_tiff(100, 100, 8, _squeezed(64 << 20)), (READY, FAILED)
    yield "bits.tif", lambda: _grey_tiff(100, 100, 1, bytes(10_000), bits=65_535), (FAILED,)
    yield "samples.tif", lambda: _grey_tiff(100, 100, 1, bytes(10_000), samples=65_535), (FAILED,)
    yield "count.tif", lambda: _tiff(_entry(256, 4, 1, 8), _entry(257, 4, 1, 8), _entry(273, 4, 1 << 31, 8)), (REFUSED,)
    yield "pixels-most.bmp", lambda: _bmp(7_000, 7_000, compression=1, rest=b"\0\1"), (FAILED, READY)
    yield "skips.bmp", lambda: _bmp(7_000, 7_000, compression=1, rest=b"\0\2\xff\xff" * 50_000), (FAILED, READY)
    yield "upside.bmp", lambda: _bmp(25_000, -(1 << 31)), (REFUSED,)


def _rarities() -> Iterator[tuple[str, Callable[[], bytes], tuple[Fate, ...]]]:
    """Formats that are taken under their own names alone: 16 million pixels are the most."""
    yield "icons-large.ico", lambda: _icons(1, png(20_000, 20_000, pixels=zlib.compress(b""))), (REFUSED,)
    yield "icons-many.ico", lambda: _icons(256, png(3_900, 3_900)), (READY, FAILED)
    yield "icons-lie.ico", lambda: _icons(1, _bmp(30_000, 60_000)[14:]), (REFUSED,)
    yield "few-bytes.tga", lambda: _tga(4_000, 4_000, b"\x9f\0\0\0" * 500_000), (READY,)
    yield "missing.tga", lambda: _tga(4_000, 4_000, b"\0", kind=2), (FAILED,)
    yield "missing.qoi", lambda: b"qoif" + struct.pack(">IIBB", 4_000, 4_000, 4, 0), (FAILED,)
    yield (
        "runs.qoi",
        lambda: b"qoif" + struct.pack(">IIBB", 4_000, 4_000, 4, 0) + b"\xfd" * 260_000 + bytes(8),
        (READY, FAILED),
    )
    yield "number.ppm", lambda: b"P3 4000 4000 255\n" + b"1" * 10_000_000, (FAILED,)
    yield "comment.ppm", lambda: b"P3 4000 4000 255\n" + b"#" * 10_000_000, (FAILED,)
    yield "large.pfm", lambda: b"Pf 4000 4000\n-1.0\n" + b"\0\0\xc0\x7f" * 16_000_000, (TOO_LARGE,)
    yield "numbers.pfm", lambda: b"Pf 1000 1000\n-1.0\n" + b"\0\0\xc0\x7f" * 1_000_000, (FAILED,)
    yield "infinite.pfm", lambda: b"Pf 1000 1000\ninf\n" + bytes(4_000_000), (FAILED, READY)
    yield "missing.pcx", lambda: b"\x0a\5\1\x08" + struct.pack("<4H", 0, 0, 3_999, 3_999) + bytes(120), (FAILED,)
    yield "colours.xpm", lambda: XPM + b'"' + b"#" * 4_000 + b'"};', (FAILED,)
    yield "palette.xpm", lambda: b'/* XPM */\n"4 4 99999999 9",\n' + b'"a c b",\n' * 100_000, (FAILED,)
    yield (
        "missing.xbm",
        lambda: b"#define x_width 4000\n#define x_height 4000\nstatic char x_bits[] = {\n0x0",
        (FAILED,),
    )
    yield "missing.sgi", lambda: b"\1\xda\1\1\0\3" + struct.pack(">HHH", 4_000, 4_000, 3) + bytes(500), (FAILED,)
    yield "missing.ras", lambda: b"\x59\xa6\x6a\x95" + struct.pack(">7I", 4_000, 4_000, 24, 0, 2, 0, 0), (FAILED,)
    yield "missing.fits", lambda: FITS.encode().ljust(2_880), (FAILED,)
    yield "missing.fli", lambda: FLI.ljust(128, b"\0") + struct.pack("<IHH", 1 << 31, 0xF1FA, 65_535), (FAILED, READY)
    yield "missing.msp", lambda: b"LinS" + struct.pack("<14H", 4_000, 4_000, *[0] * 12) + bytes(8_000), (FAILED, READY)
    yield "tiles.j2k", lambda: _jp2(1, 1), (FAILED,)
    yield "components.j2k", lambda: _jp2(16_384, 4_000), (FAILED,)
    yield "channels.psd", lambda: _psd(4_000, 4_000, 56), (FAILED, READY)
    yield "mips.dds", lambda: encoded(photo(), "DDS")[:12] + struct.pack("<II", 4_000, 4_000) + bytes(108), (FAILED,)
    yield "frames.im", lambda: IM.ljust(511, b"\0") + b"\x1a", (FAILED,)


def _others() -> Iterator[tuple[str, Callable[[], bytes], tuple[Fate, ...]]]:
    """No pictures, whatever their names say."""
    yield "empty.png", lambda: b"", (REFUSED,)
    yield "byte.png", lambda: b"\x89", (REFUSED,)
    yield "magic.png", lambda: PNG_SIGNATURE, (REFUSED,)
    yield "page.jpg", lambda: HTML, (REFUSED,)
    yield "page.html", lambda: HTML, (UNWANTED,)
    yield "drawing.png", lambda: SVG, (REFUSED,)
    yield "drawing.svg", lambda: SVG, (UNWANTED,)
    yield "postscript.jpg", lambda: POSTSCRIPT, (REFUSED,)
    yield "postscript.eps", lambda: POSTSCRIPT, (UNWANTED,)
    yield "postscript.txt", lambda: POSTSCRIPT, (UNWANTED,)
    yield "document.png", lambda: b"%PDF-1.7\n" + bytes(99), (REFUSED,)
    yield "layers.jpg", lambda: _psd(8, 8, 3), (REFUSED,)
    yield "swells.zip", lambda: _zipped("zeros", bytes(50 << 20)), (UNWANTED,)
    yield "archive.png", lambda: _zipped("../../x.png", jpeg()), (REFUSED,)
    yield "program.txt", lambda: b"\x7fELF" + bytes(99), (UNWANTED,)
    yield "playlist.m3u8", lambda: b"#EXTM3U\nfile:///etc/passwd\n", (UNWANTED,)
    yield "large.txt", lambda: b"word " * (10 << 20), (TOO_LARGE,)
    yield "line.txt", lambda: b"x " * (5 << 20), (TOO_LARGE,)
    yield "word.txt", lambda: b"x" * (1 << 20), (READY,)
    yield "marks.txt", _marks, (READY,)
    yield "lines.txt", lambda: b"\n" * (2 << 20), (REFUSED,)
    yield "noise.txt", lambda: _noise(2 << 20), (UNWANTED,)
    yield "half-utf8.txt", lambda: "ü".encode() * 1_000_000 + b"\xff", (READY, REFUSED)
    yield "half-utf16.txt", lambda: ("x" * 900_000).encode("utf-16")[:-1], (REFUSED,)
    yield "wide.txt", lambda: ("x " * 500_000).encode("utf-32")[: 2 << 20], (READY,)
    yield "zeros.txt", lambda: bytes(2 << 20), (UNWANTED,)


def _profile(tags: int) -> bytes:
    """A colour profile that says it has so many tags."""
    head = bytearray(128)
    head[:4], head[36:40] = struct.pack(">I", 128 + 4 + 12 * tags), b"acsp"
    return bytes(head) + struct.pack(">I", tags) + b"desc\0\0\0\x80\0\0\0\x10" * tags


CORPUS = tuple(Hostile(name, make, fates) for part in (_pictures, _rarities, _others) for name, make, fates in part())
# They take seconds: drawn and decoded in the long form alone.
SLOW: tuple[Hostile, ...] = (
    Hostile("text.ppm", lambda: b"P3 4000 4000 255\n" + b"1 " * 24_000_000, (READY, FAILED)),
    Hostile("many-scans.jpg", lambda: _many_scans(190), (READY, FAILED)),
)
