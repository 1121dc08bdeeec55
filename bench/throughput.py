"""Items per second from upload to vector, against the engine alone on the same files and all cores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image

from bench import house
from searchsite.inference.builtin.engine import Engine

FILES = 200
SAMPLES = house.ROOT / "searchsite" / "ops" / "sample_library" / "pictures"
CUTS = 6
UPLOADS_AT_ONCE = 4
WARMING = 24
# Each question takes CPU from the work that is measured.
ASK_EVERY = 0.5


def measure(directory: Path) -> list[str]:
    """Return the lines of the report. BENCH_PICTURES names a folder of pictures to use instead of the samples."""
    files = pictures(directory)
    alone = _rate(lambda: _embed(Engine(directory / "cache"), files, os.cpu_count() or 1), len(files))
    with house.running(directory, READ_PICTURES="false") as home, home.client() as client:
        _settle(client)
        whole = _rate(lambda: _upload(client, files), len(files))
    return [
        f"engine alone, all cores         {alone:6.1f} pictures/s ({len(files)} files)",
        f"upload to vector, reading off   {whole:6.1f} pictures/s",
        f"ratio (aim: 0.8 or more)        {whole / alone:6.2f}",
    ]


def pictures(directory: Path) -> list[Path]:
    """200 different pictures: those of BENCH_PICTURES, or cut from the sample library."""
    given = os.environ.get("BENCH_PICTURES")
    if given:
        return sorted(path for path in Path(given).iterdir() if path.suffix in (".jpg", ".png"))[:FILES]
    made = []
    for path in sorted(SAMPLES.glob("*.jpg")):
        with Image.open(path) as picture:
            for cut in range(CUTS):
                made.append(directory / f"{path.stem}-{cut}.jpg")
                width, height = picture.size
                picture.crop((cut * 8, cut * 6, width - 8, height - 6)).save(made[-1], quality=92)
    return made[:FILES]


def _rate(work: Callable[[], None], count: int) -> float:
    began = time.monotonic()
    work()
    return count / (time.monotonic() - began)


def _embed(engine: Engine, files: list[Path], threads: int) -> None:
    def one(path: Path) -> None:
        with Image.open(path) as picture:
            engine.embed_picture(picture.convert("RGB"))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, files))


def _upload(client: httpx.Client, files: list[Path]) -> None:
    def one(path: Path) -> None:
        client.post("/api/v1/items", files={"file": (path.name, path.read_bytes())}).raise_for_status()

    before = _done(client)
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        list(pool.map(one, files))
    while _done(client) < before + len(files):
        time.sleep(ASK_EVERY)


def _settle(client: httpx.Client) -> None:
    """Let some pictures pass, so that networks, decoders and every thread's connections are warm."""
    _upload(client, sorted(SAMPLES.glob("*.jpg"))[:WARMING])


def _done(client: httpx.Client) -> int:
    stages = client.get("/api/v1/jobs").raise_for_status().json()["counts"]
    return int(stages.get("embed", {}).get("done", 0))
