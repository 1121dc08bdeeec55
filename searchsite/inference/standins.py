"""Something harmless that is as large as an input: whether a provider takes it tells what it has against the other."""

from __future__ import annotations

import io
import math

from PIL import Image

from searchsite.inference.resizing import FORMATS, NoPicture
from searchsite.inference.types import EmbedInput, Picture

WORD, BYTES_A_TOKEN = "word ", 3
"""A word is a token; texts have three to four bytes of each, so this is rather longer than its original."""
GRAIN, CONTRAST = 4, 50
"""Noise of this grain takes about as many bytes as a photograph."""


def of_input(original: EmbedInput) -> EmbedInput:
    """A text, a picture or both, as large as these. Raises NoPicture."""
    text = None if original.text is None else of_text(original.text)
    return EmbedInput(text=text, picture=None if original.picture is None else of_picture(original.picture))


def of_text(original: str) -> str:
    """One word again and again."""
    return (WORD * math.ceil(len(original.encode()) / BYTES_A_TOKEN)).strip()


def of_picture(original: Picture) -> Picture:
    """Blurred noise with the same sides. Raises NoPicture."""
    try:
        with Image.open(io.BytesIO(original.data), formats=FORMATS) as opened:
            width, height = opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NoPicture("the picture cannot be opened") from error
    noise = Image.effect_noise((math.ceil(width / GRAIN), math.ceil(height / GRAIN)), CONTRAST)
    file = io.BytesIO()
    noise.resize((width, height), Image.Resampling.BICUBIC).convert("RGB").save(file, "JPEG", quality=85)
    return Picture(file.getvalue(), "image/jpeg")
