"""How a picture looks, in a thousand bytes: what finds its copies, and what tells it from others that are near.

A 64-bit perceptual hash (the signs of the lowest frequencies) finds candidates. A grey picture of 32 x 32 then decides:
two screenshots of one program have the same lowest frequencies, and differ where their words differ. Eight by eight
colours keep flags apart. bench/duplicates.py has the figures behind each threshold.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

FORMATS = ("WEBP", "JPEG", "PNG")
SIDE, COLOUR_SIDE, LOW = 32, 8, 8
BANDS, BAND_BITS = 4, 16
# Of 64 bits in four bands, seven that differ leave a band with one at most: then 17 values a band find every candidate.
MOST_DISTANCE = 7
# A picture of one colour has no frequencies, only noise; what has so little contrast is a copy of nothing.
LEAST_CONTRAST = 3.0
# What remains in grey levels between the two pictures of 32 x 32, after the best gain and offset: of 99 % of the
# places, and of all. Copies in another size or quality stay below 7 and 10; other words in a window begin at 13 and 28.
MOST_OFF, MOST_OFF_ANYWHERE = 10.0, 24.0
MOST_COLOUR_OFF = 24.0
# Looked at closely, at half the size of the smaller one, what remains anywhere, of 70 screenshots: copies stay below 28
# but for some that were enlarged or brightened, and one other word in a window is 43 or more in 95 of 100.
CLOSE_SIDE, MOST_OFF_CLOSE = 240, 28.0
# Edges that were cut off move everything. Then the pictures' own vectors decide, and nothing where there are none.
LEAST_CORRELATED = 0.96
MOST_STRETCHED, MOST_CUT = 0.03, 0.12

Grey = NDArray[np.float64]
_ROWS: Grey = np.cos(np.pi / (2 * SIDE) * (2 * np.arange(SIDE)[None, :] + 1) * np.arange(LOW)[:, None])


@dataclass(frozen=True)
class Print:
    """How a picture looks. hash: 64 bits. grey: 32 x 32 bytes. colour: 8 x 8 x RGB. ratio: width to height."""

    hash: int
    grey: bytes
    colour: bytes
    ratio: float

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in the picture to know it by."""
        return not self.grey or float(np.frombuffer(self.grey, np.uint8).std()) < LEAST_CONTRAST


def print_of(data: bytes) -> Print:
    """The print of a picture that our decoder made. Raises OSError where it can't be read."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        rgb = picture.convert("RGB")
    # Smooth filters: a box falls on other pixels in each size of the same picture.
    grey = np.asarray(rgb.convert("L").resize((SIDE, SIDE), Resampling.BILINEAR), np.uint8)
    colour = np.asarray(rgb.resize((COLOUR_SIDE, COLOUR_SIDE), Resampling.BILINEAR), np.uint8)
    low = (_ROWS @ grey.astype(np.float64) @ _ROWS.T).ravel()
    bits = low > np.median(low[1:])
    return Print(int.from_bytes(np.packbits(bits).tobytes()), grey.tobytes(), colour.tobytes(), rgb.width / rgb.height)


def bands_of(hash_: int) -> list[int]:
    """The hash in four numbers, each with its band in its upper bits: what the index holds."""
    return [band << BAND_BITS | (hash_ >> (BAND_BITS * band)) & 0xFFFF for band in range(BANDS)]


def nearby(hash_: int) -> list[int]:
    """What the index is asked for: each band, as it is and with any one bit turned."""
    return [value ^ turned for value in bands_of(hash_) for turned in (0, *(1 << bit for bit in range(BAND_BITS)))]


def distance(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return (one ^ other).bit_count()


def likeness(one: Print, other: Print) -> str:
    """ "copy": the same picture in another size or quality. "cut": perhaps with its edges cut off. "": neither."""
    stretched = abs(math.log(one.ratio / other.ratio))
    if stretched > MOST_CUT or one.is_plain or other.is_plain or distance(one.hash, other.hash) > MOST_DISTANCE:
        return ""
    if _off(_numbers(one.colour), _numbers(other.colour)) > MOST_COLOUR_OFF:
        return ""
    a, b = _centred(_numbers(one.grey)), _centred(_numbers(other.grey))
    correlated = float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
    off = _left(a, b)
    if correlated > 0 and stretched <= MOST_STRETCHED and np.quantile(off, 0.99) <= MOST_OFF:
        return "copy" if off.max() <= MOST_OFF_ANYWHERE else ""
    return "cut" if correlated >= LEAST_CORRELATED else ""


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two pictures of our decoder's, near by their prints, are the same when looked at closely.

    Takes some 10 ms. Raises OSError where one can't be read.
    """
    with (
        Image.open(io.BytesIO(one), formats=FORMATS) as first,
        Image.open(io.BytesIO(other), formats=FORMATS) as second,
    ):
        pictures = [first.convert("L"), second.convert("L")]
    longest = min(CLOSE_SIDE, *(max(picture.size) / 2 for picture in pictures))
    width, height = pictures[0].size
    shrunk = longest / max(width, height)
    size = (max(LOW, round(width * shrunk)), max(LOW, round(height * shrunk)))
    a, b = (np.asarray(picture.resize(size, Resampling.BILINEAR), np.float64).ravel() for picture in pictures)
    return float(_left(_centred(a), _centred(b)).max()) <= MOST_OFF_CLOSE


def _numbers(grey: bytes) -> Grey:
    return np.frombuffer(grey, np.uint8).astype(np.float64)


def _left(a: Grey, b: Grey) -> Grey:
    """What remains of two centred pictures after the best gain, either way."""
    product = float(a @ b)
    left: Grey = np.maximum(
        np.abs(a - b * (product / max(float(b @ b), 1e-6))), np.abs(b - a * (product / max(float(a @ a), 1e-6)))
    )
    return left


def _centred(numbers: Grey) -> Grey:
    centred: Grey = numbers - numbers.mean()
    return centred


def _off(one: Grey, other: Grey) -> float:
    """How far the colours of two pictures are apart, brighter or darker aside, where they are farthest."""
    apart = (one - other).reshape(-1, 3)
    return float(np.abs(apart - apart.mean()).max())
