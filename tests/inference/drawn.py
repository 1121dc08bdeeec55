"""Pictures drawn in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from searchsite.inference.types import Picture


def screenshot(lines: Sequence[str], size: tuple[int, int] = (640, 320)) -> Image.Image:
    """Dark text on white, a line a row."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((24, 20 + 44 * row), line, fill="black", font=ImageFont.load_default(24))
    return image


def traffic_light() -> Image.Image:
    """Three lamps on a dark post before the sky."""
    image = Image.new("RGB", (400, 400), (135, 180, 225))
    draw = ImageDraw.Draw(image)
    draw.rectangle((190, 280, 210, 400), fill=(60, 60, 60))
    draw.rounded_rectangle((140, 40, 260, 300), 24, fill=(25, 25, 25))
    for row, colour in enumerate([(230, 30, 30), (70, 60, 10), (10, 60, 20)]):
        draw.ellipse((165, 58 + 80 * row, 235, 128 + 80 * row), fill=colour)
    return image


def crossword() -> Image.Image:
    """A grid of black and white squares."""
    image = Image.new("RGB", (390, 390), "white")
    draw = ImageDraw.Draw(image)
    for row in range(13):
        for column in range(13):
            dark = (row * 5 + column * 3) % 7 == 0 or (row % 4 == 3 and column % 4 == 3)
            box = (column * 30, row * 30, column * 30 + 30, row * 30 + 30)
            draw.rectangle(box, fill="black" if dark else "white", outline="black", width=2)
    return image


def clock() -> Image.Image:
    """A round face with twelve numbers and two hands."""
    image = Image.new("RGB", (400, 400), (190, 170, 140))
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 30, 370, 370), fill="white", outline="black", width=14)
    for hour in range(1, 13):
        angle = hour * math.pi / 6
        x, y = 200 + 140 * math.sin(angle), 200 - 140 * math.cos(angle)
        draw.text((x, y), str(hour), fill="black", font=ImageFont.load_default(36), anchor="mm")
    draw.line((200, 200, 200, 100), fill="black", width=8)
    draw.line((200, 200, 275, 240), fill="black", width=12)
    return image


def encoded(image: Image.Image, kind: str = "WEBP") -> Picture:
    """The picture as our decoder would hand it on."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return Picture(buffer.getvalue(), f"image/{kind.lower()}")
