"""From the bytes of a picture to upright RGB pixels, within limits."""

from __future__ import annotations

import io
import struct

from PIL import Image, ImageOps

from searchsite.inference.errors import BadInput

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 50_000_000
# What Pillow raises on broken files, by reading its decoders and by feeding them such files.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def open_picture(data: bytes) -> Image.Image:
    """Decode the first frame upright, transparent parts on white; `BadInput` says what is wrong with it."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadInput(f"the picture has {width} x {height} pixels; {MOST_PIXELS} are the most")
            return _flat(ImageOps.exif_transpose(picture))
    except BOMBS:
        raise BadInput(f"the picture has more than {MOST_PIXELS} pixels") from None
    except BROKEN as error:
        raise BadInput("the picture is broken or not a JPEG, PNG, WebP or GIF") from error


def _flat(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    canvas = Image.new("RGB", picture.size, "white")
    layer = picture.convert("RGBA")
    canvas.paste(layer, mask=layer)
    return canvas
