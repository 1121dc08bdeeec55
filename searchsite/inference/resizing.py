"""Pictures as Qwen3-VL wants to see them: sides of multiples of 32, within a number of pixels, on white.

Whatever serves the network would resize them otherwise, each server a little differently; a picture that has these
sides already is left as it is by all of them.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from PIL import Image

from searchsite.inference.types import Picture

FACTOR = 32
MOST_RATIO, PADDED_RATIO = 200, 100
"""Of the longer side to the shorter: the networks refuse more than the first, and are then given the second."""
LOSSLESS_BYTES = 4 * 2**20
"""A PNG of more than this is sent as JPEG."""
JPEG_QUALITY = 95
FORMATS = ("WEBP", "JPEG", "PNG", "GIF")
READ_BY_ALL = {"image/png", "image/jpeg"}
"""llama.cpp reads no WebP."""
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Pixels:
    """How many pixels a picture may have."""

    least: int
    most: int


EMBED_PIXELS = Pixels(4 * FACTOR * FACTOR, 1800 * FACTOR * FACTOR)
CAPTION_PIXELS = Pixels(4 * FACTOR * FACTOR, 1280 * FACTOR * FACTOR)


class NoPicture(Exception):
    """The bytes are no picture that can be opened."""


def sides(width: int, height: int, pixels: Pixels) -> tuple[int, int]:
    """The width and height to resize to: nearly the same shape, each a multiple of 32, within the pixels."""
    wide, high = (max(FACTOR, round(side / FACTOR) * FACTOR) for side in (width, height))
    if wide * high > pixels.most:
        shrink = math.sqrt(width * height / pixels.most)
        wide, high = (max(FACTOR, math.floor(side / shrink / FACTOR) * FACTOR) for side in (width, height))
    elif wide * high < pixels.least:
        grow = math.sqrt(pixels.least / (width * height))
        wide, high = (math.ceil(side * grow / FACTOR) * FACTOR for side in (width, height))
    return wide, high


def fitted(picture: Picture, pixels: Pixels) -> Picture:
    """The picture within these pixels; itself, where it is that already. Raises NoPicture."""
    try:
        with Image.open(io.BytesIO(picture.data), formats=FORMATS) as opened:
            as_it_is = opened.mode == "RGB" and picture.media_type in READ_BY_ALL
            if as_it_is and not _is_strip(opened.size, pixels) and sides(*opened.size, pixels) == opened.size:
                return picture
            image = _on_white(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NoPicture("the picture cannot be opened") from error
    image = _padded(image, pixels)
    return _encoded(image.resize(sides(*image.size, pixels), Image.Resampling.BICUBIC))


def _on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency."""
    if image.mode == "RGB":
        return image.copy()
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, (*WHITE, 255))
    return Image.alpha_composite(white, layer).convert("RGB")


def _is_strip(size: tuple[int, int], pixels: Pixels) -> bool:
    """Whether the picture is too long, as it is or once its sides are rounded."""
    return any(max(pair) > MOST_RATIO * min(pair) for pair in (size, sides(*size, pixels)))


def _padded(image: Image.Image, pixels: Pixels) -> Image.Image:
    """A long strip with white beside it, so that networks take it."""
    if not _is_strip(image.size, pixels):
        return image
    width, height = image.size
    wide, high = max(width, math.ceil(height / PADDED_RATIO)), max(height, math.ceil(width / PADDED_RATIO))
    padded = Image.new("RGB", (wide, high), WHITE)
    padded.paste(image, ((wide - width) // 2, (high - height) // 2))
    return padded


def _encoded(image: Image.Image) -> Picture:
    """Lossless, where that is not too large: then every server sees the same pixels."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    if file.tell() <= LOSSLESS_BYTES:
        return Picture(file.getvalue(), "image/png")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return Picture(file.getvalue(), "image/jpeg")
