"""What tells a screenshot from a photo: what the file says of itself, and how flat and sharp it is."""

from __future__ import annotations

import re
from typing import IO

from PIL import Image, ImageChops
from PIL.Image import Transpose

from searchsite.library.decoder import colours

ORIENTATION = 0x0112
CAMERA_TAGS = (0x010F, 0x0110)  # make, model
SOFTWARE, EXIF_IFD, USER_COMMENT, DESCRIPTION = 0x0131, 0x8769, 0x9286, 0x010E
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
LOSSLESS = frozenset({"PNG", "GIF", "BMP", "TIFF", "ICO", "CUR", "QOI", "PCX", "TGA", "PPM", "XPM", "XBM"})
SAMPLE_SIDE = 512
# Neighbours that differ by as much stand at an edge.
EDGE = 64
# What programs that take screenshots write into them. A long text is about something else.
PROGRAMS = re.compile(
    r"screen ?shot|screen ?capture|spectacle|ksnip|flameshot|shutter|scrot|greenshot|sharex|snagit|snipping", re.I
)
MOST_SAID = 200


def exif_of(image: Image.Image) -> tuple[Transpose | None, bool]:
    """The turn that makes the picture upright, and whether a camera wrote it. Broken EXIF says nothing."""
    try:
        exif = image.getexif()
        return TURNS.get(exif.get(ORIENTATION, 1)), any(exif.get(tag) for tag in CAMERA_TAGS)
    except Exception:  # noqa: BLE001 - EXIF parsers raise anything; the pixels may still be good
        return None, False


def is_told(image: Image.Image) -> bool:
    """Whether the program that wrote it says that it is a screenshot."""
    said: list[object] = [image.info.get(key) for key in ("Software", "Comment", "Description", "comment")]
    try:
        exif = image.getexif()
        said += [exif.get(SOFTWARE), exif.get(DESCRIPTION), exif.get_ifd(EXIF_IFD).get(USER_COMMENT)]
    except Exception:  # noqa: BLE001  # nosec B110 - EXIF parsers raise anything
        pass
    return any(PROGRAMS.search(_words(one)) for one in said)


def _words(said: object) -> str:
    text = said.decode("latin-1").replace("\0", "") if isinstance(said, bytes) else str(said or "")
    return text if len(text) <= MOST_SAID else ""


def is_lossless(image: Image.Image, file: IO[bytes]) -> bool:
    """Whether neighbours may be equal to the last bit. Not all TIFF files are; it is told by their flatness then."""
    return image.format in LOSSLESS or _is_lossless_webp(image, file)


def _is_lossless_webp(image: Image.Image, file: IO[bytes]) -> bool:
    if image.format != "WEBP":
        return False
    at = file.tell()
    file.seek(12)
    lossless = b"VP8L" in file.read(4096)
    file.seek(at)
    return lossless


def shares(image: Image.Image) -> dict[str, float]:
    """The shares of Facts, in the middle of the picture."""
    left, top = (max(0, (side - SAMPLE_SIDE) // 2) for side in image.size)
    sample = image.crop((left, top, min(image.width, left + SAMPLE_SIDE), min(image.height, top + SAMPLE_SIDE)))
    clear = 0.0
    if image.has_transparency_data:
        sample = sample.convert("RGBA")
        clear = sum(sample.getchannel("A").histogram()[:128]) / (sample.width * sample.height)
    plain = colours.eight_bits(sample)
    plain = colours.to_srgb(plain, None) if plain.mode == "LAB" else plain.convert("RGB")
    if plain.width < 2:
        return {"clear": clear, "flat": 0.0, "sharp": 0.0}
    here = plain.crop((0, 0, plain.width - 1, plain.height))
    red, green, blue = ImageChops.difference(here, plain.crop((1, 0, *plain.size))).split()
    steps = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    pairs = here.width * here.height
    return {"clear": round(clear, 4), "flat": round(steps[0] / pairs, 4), "sharp": round(sum(steps[EDGE:]) / pairs, 4)}
