"""Pictures that look like something, and copies of them: other sizes, other qualities, edges cut off."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw

SIZE = (640, 480)


def scene(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Soft shapes and colours of its own, as in a photo."""
    chance = random.Random(seed)
    small = Image.frombytes("RGB", (8, 6), chance.randbytes(8 * 6 * 3))
    return small.resize(size, Image.Resampling.BICUBIC)


def window(*lines: str, size: tuple[int, int] = (640, 400)) -> Image.Image:
    """A program's window with these lines in it, and all the rest as in any other."""
    image = Image.new("RGB", size, "#f4f4f4")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0], 40), fill="#305080")
    draw.rectangle((0, 40, 150, size[1]), fill="#d8dce4")
    draw.rectangle((480, 340, 620, 380), fill="#2f8f5b")
    for number, line in enumerate(lines):
        draw.text((180, 60 + 26 * number), line, fill="black", font_size=18)
    return image


def cut(image: Image.Image, percent: float) -> Image.Image:
    """Without so much of its width and height at each edge."""
    x, y = round(image.width * percent / 100), round(image.height * percent / 100)
    return image.crop((x, y, image.width - x, image.height - y))


def smaller(image: Image.Image, times: float = 2) -> Image.Image:
    """The same in another size."""
    return image.resize((round(image.width / times), round(image.height / times)))


def file(image: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    """Its bytes."""
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()
