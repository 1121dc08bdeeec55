"""Files crafted so that walking their structure takes long: refused soon, with a sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from searchsite import config as configuration
from searchsite.library import headers, sniffing
from searchsite.library.refusals import Refusal
from tests.library import drawn

SIZE = 20 << 20
GIF = drawn.gif(1, 1)[:-1]
PNG = drawn.png(1, 1)
TINY_PIECES = {
    "fill.jpg": b"\xff\xd8" + b"\xff" * SIZE,
    "segments.jpg": b"\xff\xd8" + b"\xff\xfe\x00\x02" * (SIZE // 4),
    "between-scans.jpg": drawn.jpeg()[:-2] + b"\xff\xfe\x00\x02" * (SIZE // 4) + b"\xff\xd9",
    "markers.jpg": b"\xff\xd8" + b"\xff\x01" * (SIZE // 2),
    "extensions.gif": GIF + b"\x21\xf9\x00" * (SIZE // 3) + b";",
    "blocks.gif": GIF + b"\x21\xfe" + b"\x01a" * (SIZE // 2) + b"\x00;",
    "pixels.png": PNG[:33] + drawn.chunk(b"IDAT", b"") * (SIZE // 12) + PNG[33:],
    "frames.png": PNG[:33] + drawn.chunk(b"fdAT", b"") * (SIZE // 12) + PNG[33:],
    "chunks.webp": b"RIFF" + (4 + SIZE).to_bytes(4, "little") + b"WEBP" + b"abcd\0\0\0\0" * (SIZE // 8),
}


@pytest.mark.parametrize("name", TINY_PIECES)
def test_a_file_of_tiny_pieces_is_refused_before_it_is_walked_through(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(TINY_PIECES[name])
    started = time.process_time()
    with pytest.raises(Refusal, match="too many") as refused:
        sniffing.look(path, name, config=configuration.load())
    assert refused.value.status == 422
    assert time.process_time() - started < 4


def test_a_long_animation_of_full_blocks_is_walked_through() -> None:
    data = GIF + b"\x21\xfe" + (b"\xff" + b"a" * 255) * 200_000 + b"\x00;"
    assert headers.read_gif(data).frames == 1


@pytest.mark.parametrize(
    "film", [b"\xff\xda" * 5_000, b"\xff\xfe\0\2" * 2_000_000, b"\0" * 100], ids=["scans", "tiny", "zeros"]
)
def test_what_a_phone_puts_behind_a_picture_counts_for_nothing(tmp_path: Path, film: bytes) -> None:
    path = tmp_path / "motion.jpg"
    path.write_bytes(drawn.jpeg() + film)
    found = sniffing.look(path, path.name, config=configuration.load())
    assert isinstance(found, sniffing.Picture) and found.media_type == "image/jpeg"
