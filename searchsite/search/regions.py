"""A part of a picture to search by: how it is written in an address, and how it is cut out."""

from __future__ import annotations

import io
import re

from django.utils.translation import gettext as _
from PIL import Image

from searchsite.inference.types import Picture
from searchsite.library import files
from searchsite.search.wrong import BadQuestion

Region = tuple[float, float, float, float]
"""x, y, width and height, as shares of the picture's width and height."""
LEAST = 0.01
# Of what is cut out, the longer side in pixels: as much as embedders look at, and no more to send.
SIDE = 1024
# Upright and within the picture, in thousandths: the marks need no escape in an address.
WRITTEN = re.compile(r"(\d{1,4})-(\d{1,4})-(\d{1,4})-(\d{1,4})", re.ASCII)
MARK = "~"


def checked(region: Region) -> Region:
    """The region cut down to the picture. Raises BadQuestion when nothing is left of it."""
    x, y, width, height = region
    width, height = min(width, 1.0 - x), min(height, 1.0 - y)
    # Also False where one of them is no number.
    if not (0 <= x < 1 and 0 <= y < 1 and width >= LEAST and height >= LEAST):
        raise BadQuestion(_("A part of a picture lies within it, and is at least a hundredth of it wide and high."))
    return x, y, width, height


def written(region: Region | None) -> str:
    """What comes after a picture's id in an address."""
    return "" if region is None else MARK + "-".join(str(round(1000 * share)) for share in region)


def read(value: str) -> tuple[str, Region | None]:
    """An id, and the region after it. Raises BadQuestion."""
    name, mark, rest = value.partition(MARK)
    if not mark:
        return name, None
    if (found := WRITTEN.fullmatch(rest)) is None:
        raise BadQuestion(_("A part of a picture is written like ~100-100-500-500, in thousandths."))
    x, y, width, height = (int(one) / 1000 for one in found.groups())
    return name, checked((x, y, width, height))


def cut(data: bytes, region: Region) -> Picture:
    """The part of a picture that our decoder made, as WebP."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as whole:
        x, y, width, height = region
        right, bottom = (x + width) * whole.width, (y + height) * whole.height
        box = (int(x * whole.width), int(y * whole.height), max(1, round(right)), max(1, round(bottom)))
        part = whole.convert("RGB").crop((min(box[0], box[2] - 1), min(box[1], box[3] - 1), box[2], box[3]))
    part.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    part.save(out, "WEBP", quality=90)
    return Picture(out.getvalue(), files.DERIVATIVE_TYPE)
