"""Pictures drawn in memory."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from searchsite.inference.types import Picture


def noise(width: int, height: int, seed: int = 0) -> Picture:
    """The hardest picture: every pixel differs from its neighbour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return encoded(Image.fromarray(pixels))


def ramp(width: int, height: int) -> Picture:
    """From black to white."""
    return encoded(Image.linear_gradient("L").resize((width, height)).convert("RGB"))


def encoded(image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture(file.getvalue(), "image/png")
