"""Pictures drawn in memory, sound ones and hostile ones."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photo(width: int = 300, height: int = 200, *, seed: int = 0) -> Image.Image:
    """No two neighbours alike, as in a photo."""
    noise = Image.frombytes("L", (width, height), random.Random(seed).randbytes(width * height))
    shade = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (noise, shade, Image.blend(noise, shade, 0.5)))


def screen(width: int = 640, height: int = 400) -> Image.Image:
    """A window with a title bar and lines of text."""
    image = Image.new("RGB", (width, height), "#f4f4f4")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 24), fill="#305080")
    for line in range(12):
        draw.text((20, 40 + 24 * line), f"Line {line}: the quick brown fox jumps over the lazy dog", fill="black")
    return image


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return encoded(photo(seed=seed), "JPEG", **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, extra: bytes = b"", pixels: bytes | None = None) -> bytes:
    """A 1-bit PNG that claims this size; its pixels are all black, or as given."""
    if pixels is None:
        rows = zlib.compressobj(9)
        row = b"\0" * (1 + (width + 7) // 8)
        pixels = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return PNG_SIGNATURE + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gif(width: int, height: int, *, frames: int = 1) -> bytes:
    """A GIF whose frames are each one pixel on a canvas of this size."""
    frame = b"\x21\xf9\x04\0\0\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + frame * frames + b";"


def progressive_scans(number: int, *, before: bytes = b"", picture: Image.Image | None = None) -> bytes:
    """A progressive JPEG with one of its scans repeated. before: what stands in front of these."""
    data = encoded(picture or photo(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + before + data[at:-2] * number + b"\xff\xd9"


# A comment that holds an end marker.
COMMENT = b"\xff\xfe\0\4\xff\xd9"


HOSTILE = {
    "pixels-400-million.png": png(20_000, 20_000, pixels=zlib.compress(b"")),
    "pixels-51-million.png": png(7_200, 7_200, pixels=zlib.compress(b"")),
    "strip.png": png(1_000_000, 8, pixels=zlib.compress(b"")),
    "no-width.png": png(0, 8, pixels=zlib.compress(b"")),
    "canvas.gif": gif(65_535, 65_535),
    "frames.gif": gif(1, 1, frames=30_000),
    "moving.gif": gif(4_000, 4_000, frames=500),
    "chunks.png": png(100, 100, extra=chunk(b"tEXt", b"k\0v") * 20_000),
    "scans.jpg": progressive_scans(300),
    "hidden-scans.jpg": progressive_scans(300, before=COMMENT),
    "half.jpg": jpeg()[: len(jpeg()) // 2],
    "no-end.jpg": jpeg()[:-2],
    "half.png": encoded(photo())[:20_000],
    "half.webp": encoded(photo(), "WEBP")[:2_000],
    "half.gif": encoded(photo().convert("P"), "GIF")[:2_000],
    "magic.jpg": b"\xff\xd8\xff",
    "magic.png": PNG_SIGNATURE,
    "magic.gif": b"GIF89a",
    "magic.webp": b"RIFF\0\0\0\0WEBP",
    "empty.png": b"",
    "byte.png": b"\x89",
    "html.jpg": b"<html><script>alert(1)</script></html>",
    "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n",
    "document.png": b"%PDF-1.7\n",
    "document.pdf": b"%PDF-1.7\n",
    "layers.jpg": b"8BPS\0\1" + bytes(60),
    "half.tif": encoded(photo(), "TIFF")[:20_000],
    "half.bmp": encoded(photo(), "BMP")[:20_000],
    "half.avif": encoded(photo(), "AVIF")[:5_000],
    "no-picture.tif": b"II*\0",
    "half-icon.ico": encoded(photo(), "ICO")[:30],
    "half.qoi": b"qoif",
    "picture.heic": b"\0\0\0\x18ftypheic" + bytes(60),
    "archive.txt": b"PK\3\4" + bytes(60),
    "binary.txt": b"some text\0and more",
    "noise.txt": bytes(range(256)) * 20,
    "video.mp4": b"\0\0\0\x18ftypisom" + bytes(60),
    "video.txt": b"\0\0\0\x18ftypisom" + bytes(60),
    "layers.psd": b"8BPS\0\1",
    "raw.cr3": b"\0\0\0\x18ftypcrx " + bytes(60),
    "rich.rtf": b"{\\rtf1 Hello}",
    "spaces.txt": b" \n\t ",
    "program.exe": b"MZ" + bytes(60),
    "page.html": b"<html></html>",
}
