"""Sound files of each format with some bytes changed: a picture or a sentence, and the decoder lives on."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchsite import config as configuration
from searchsite.library import sniffing
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import MEMORY_BYTES, Spent, Undecodable
from searchsite.library.refusals import Refusal
from tests import figures
from tests.library import drawn
from tests.library.test_decoder import POLICY
from tests.library.test_formats import WRITTEN

CONFIG = configuration.load()
SOUND = {
    name: drawn.encoded(drawn.photo(60, 40), kind)
    for name, kind in (WRITTEN | {"a.jpg": "JPEG", "a.png": "PNG", "a.gif": "GIF", "a.webp": "WEBP"}).items()
} | {
    "b.jpg": drawn.encoded(drawn.photo(60, 40), "JPEG", progressive=True),
    "b.webp": drawn.encoded(drawn.photo(60, 40), "WEBP", lossless=True),
    "b.tif": drawn.encoded(drawn.photo(60, 40), "TIFF", compression="tiff_lzw"),
    "b.png": drawn.encoded(drawn.photo(60, 40).convert("P"), "PNG"),
}
FEW, MANY = 12, 300


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes are others, most of them near the beginning; at times a piece is missing or there twice."""
    broken = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        most = len(broken) if chance.random() < 0.4 else min(len(broken), 200)
        broken[chance.randrange(most)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    if chance.random() < 0.2:
        start, end = sorted(chance.randrange(len(broken)) for _ in range(2))
        broken[start:end] = b"" if chance.random() < 0.5 else broken[start:end] * 2
    return bytes(broken)


def cases(times: int) -> Iterator[tuple[str, int, bytes]]:
    for name, data in SOUND.items():
        for seed in range(times):
            yield name, seed, damaged(data, random.Random(f"{name} {seed}"))


def ended(path: Path, name: str) -> tuple[str, str, Spent]:
    """How a file ends at the door, and past it whatever the door says in the decoder. Raises what it must not."""
    try:
        sniffing.look(path, name, config=CONFIG)
        door = ""
    except Refusal as refusal:
        door = str(refusal)
    try:
        return "decoded", door, client.decode(path, POLICY).spent
    except Undecodable as error:
        return str(error), door, error.spent


@pytest.mark.parametrize("times", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_damaged_files_are_decoded_or_refused_with_a_sentence(tmp_path: Path, times: int) -> None:
    path = tmp_path / "upload"
    path.write_bytes(SOUND["a.jpg"])
    client.decode(path, POLICY)
    before, found, most, slowest = client.decoder_pid(), Counter[str](), 0, 0.0
    for name, seed, data in cases(times):
        path.write_bytes(data)
        started = time.monotonic()
        said, door, spent = ended(path, name)
        slowest = max(slowest, time.monotonic() - started)
        most = max(most, spent.megabytes)
        assert door == "" or door.endswith("."), (name, seed, door)
        assert said == "decoded" or said.endswith("."), (name, seed, said)
        found[said] += 1
    assert client.decoder_pid() == before
    assert most << 20 <= MEMORY_BYTES
    assert found["decoded"] > times and found.total() == times * len(SOUND)
    assert found["This picture makes the decoder fail."] == 0, found
    name = "damaged-files" if times == FEW else "damaged-files-long"
    crashed = found["This picture makes the decoder crash."]
    figures.keep(4, name, files=found.total(), decoded=found["decoded"], crashed=crashed, max_mb=most)
