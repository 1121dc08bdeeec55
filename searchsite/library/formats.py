"""The table of picture formats that are taken: how each is recognised and read, what it is called, who shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap

from searchsite.library import boxes, headers, rarities, rasters
from searchsite.library.rarities import begins
from searchsite.library.walking import Header


@dataclass(frozen=True)
class Format:
    """One format. `names` are its extensions; the first is given to downloads.

    A `shown` one is shown by browsers. A `rare` one is taken under its own name alone, as its first bytes say little
    or its decoder is seldom used.
    """

    media_type: str
    names: tuple[str, ...]
    is_it: Callable[[mmap], bool]
    read: Callable[[mmap], Header]
    shown: bool = False
    rare: bool = False


def _rare(media_type: str, names: str, is_it: Callable[[mmap], bool], read: Callable[[mmap], Header]) -> Format:
    return Format(media_type, tuple(names.split()), is_it, read, rare=True)


COMMON = (
    Format("image/jpeg", ("jpg", "jpeg", "jpe", "jfif", "mpo"), begins(b"\xff\xd8\xff"), headers.read_jpeg, shown=True),
    Format("image/png", ("png", "apng"), begins(b"\x89PNG\r\n\x1a\n"), headers.read_png, shown=True),
    Format("image/gif", ("gif",), begins(b"GIF87a", b"GIF89a"), headers.read_gif, shown=True),
    Format(
        "image/webp",
        ("webp",),
        lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
        headers.read_webp,
        shown=True,
    ),
    Format("image/avif", ("avif", "avifs"), boxes.is_avif, boxes.read_boxes, shown=True),
    Format("image/heic", ("heic", "heif", "hif", "heics", "heifs"), boxes.is_heic, boxes.read_boxes),
    Format("image/tiff", ("tif", "tiff"), rasters.is_tiff, rasters.read_tiff),
    Format("image/bmp", ("bmp", "dib"), rasters.is_bmp, rasters.read_bmp, shown=True),
)
RARE = (
    _rare("image/vnd.adobe.photoshop", "psd", begins(b"8BPS\0\1"), rarities.at(">II", 14, upside=True)),
    _rare(
        "image/jp2",
        "jp2 j2k j2c jpc jpf jpx",
        begins(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
        rarities.read_jpeg2000,
    ),
    _rare("image/vnd.microsoft.icon", "ico cur", begins(b"\0\0\1\0", b"\0\0\2\0"), rarities.read_icons),
    _rare("image/vnd-ms.dds", "dds", begins(b"DDS "), rarities.at("<II", 12, upside=True)),
    _rare("image/x-blp", "blp", begins(b"BLP1", b"BLP2"), rarities.at("<II", 12)),
    _rare("image/qoi", "qoi", begins(b"qoif"), rarities.at(">II", 4)),
    _rare("image/x-portable-anymap", "ppm pgm pbm pnm pfm", rarities.is_netpbm, rarities.read_netpbm),
    _rare("image/x-pcx", "pcx", rarities.is_pcx, rarities.read_pcx),
    _rare("image/sgi", "sgi rgb rgba bw", begins(b"\1\xda"), rarities.at(">HH", 6)),
    _rare("image/x-sun-raster", "ras sun", begins(b"\x59\xa6\x6a\x95"), rarities.at(">II", 4)),
    _rare("image/fits", "fits fit", begins(b"SIMPLE"), rarities.read_fits),
    _rare("video/x-fli", "fli flc", rarities.is_fli, rarities.at("<HH", 8)),
    _rare("image/x-msp", "msp", begins(b"DanM", b"LinS"), rarities.at("<HH", 4)),
    _rare("image/x-pixar", "pxr", begins(b"\x80\xe8\0\0"), rarities.at("<HH", 416, upside=True)),
    _rare("image/x-xv-thumbnail", "p7", begins(b"P7 332"), rarities.read_thumbnail),
    _rare("image/x-xpixmap", "xpm", begins(b"/* XPM */"), rarities.read_xpm),
    _rare("image/x-xbitmap", "xbm", rarities.is_xbm, rarities.read_xbm),
    _rare("image/x-im", "im", rarities.is_im, rarities.read_im),
    _rare("image/x-imt", "imt", rarities.is_imt, rarities.read_imt),
    # The last, as nothing but its numbers tells it.
    _rare("image/x-tga", "tga icb vda vst", rarities.is_tga, rarities.at("<HH", 12)),
)
FORMATS = COMMON + RARE
NAMES = {name: one for one in FORMATS for name in one.names}


def format_of(data: mmap, extension: str) -> Format | None:
    """Return the format of these bytes; None where they are no picture that is taken under that name."""
    common = next((one for one in COMMON if one.is_it(data)), None)
    named = NAMES.get(extension)
    if common is None and named is not None and named.rare and named.is_it(data):
        return named
    return common
