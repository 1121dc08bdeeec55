"""1,000 mixed files through `manage.py ingest`: files a second put in and embedded, and that none is lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from bench import house

FILES = 1_000
SAMPLES = house.ROOT / "searchsite" / "ops" / "sample_library" / "pictures"
COUNTS = re.compile(r"in ([\d.]+) s .*: (\d+) new, (\d+) known, (\d+) refused")
ENDED = re.compile(r"Worked through in ([\d.]+) s: (\d+) ready, (\d+) failed")
SOME_REFUSED = 2


def measure(directory: Path) -> list[str]:
    """Return the lines of the report. BENCH_FILES names a folder of files to take instead of made ones."""
    given = os.environ.get("BENCH_FILES")
    folder = Path(given) if given else _mixed(directory / "files")
    files = [path for path in folder.rglob("*") if path.is_file()]
    floor = _copied(files, directory / "copies")
    with house.running(directory, READ_PICTURES="false") as home:
        first, again = _ingest(home, folder, "--wait"), _ingest(home, folder)
    seconds, new, known, refused = _numbers(COUNTS, first)
    working, ready, failed = _numbers(ENDED, first)
    _seconds, new_again, _known, _refused = _numbers(COUNTS, again)
    lost = len(files) - int(new + known + refused) + int(new - ready - failed)
    return [
        f"ingest: {len(files)} files: {new:.0f} new, {known:.0f} known, {refused:.0f} refused; of the new {ready:.0f}"
        f" ready, {failed:.0f} failed; lost: {lost}; taken again: {new_again:.0f} new",
        f"copied and flushed, nothing else {len(files) / floor:6.1f} files/s",
        f"put in                           {len(files) / seconds:6.1f} files/s",
        f"put in and worked through        {len(files) / (seconds + working):6.1f} files/s (pictures are not read)",
    ]


def _ingest(home: house.House, folder: Path, *options: str) -> str:
    command = [sys.executable, house.MANAGE, "ingest", str(folder), *options]
    done = subprocess.run(command, env=home.environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, SOME_REFUSED):
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def _numbers(pattern: re.Pattern[str], text: str) -> list[float]:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError(f"No figures in: {text}")
    return [float(number) for number in found.groups()]


def _copied(files: list[Path], target: Path) -> float:
    """Seconds for a copy of each file that is safely on disk."""
    target.mkdir()
    began = time.monotonic()
    for number, path in enumerate(files):
        with (target / str(number)).open("wb") as copy:
            copy.write(path.read_bytes())
            copy.flush()
            os.fsync(copy.fileno())
    return time.monotonic() - began


def _mixed(folder: Path) -> Path:
    """Of twenty files sixteen are pictures, two texts, one is there already and one broken; in ten folders."""
    pictures = _pictures()
    last = b""
    for number in range(FILES):
        place = folder / f"folder {number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        if number % 20 < 16:
            next(pictures).save(path := place / f"{number}.jpg", quality=88)
            last = path.read_bytes()
        elif number % 20 < 18:
            (place / f"{number}.md").write_text(f"# Note {number}\n\nWhat was said on day {number}, in a few words.\n")
        elif number % 20 == 18:
            (place / f"{number}.jpg").write_bytes(last)
        else:
            (place / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + number.to_bytes(4) * 50)
    return folder


def _pictures() -> Iterator[Image.Image]:
    """Without end: the samples, each time cut a little smaller."""
    for cut in range(1_000):
        for path in sorted(SAMPLES.glob("*.jpg")):
            with Image.open(path) as picture:
                width, height = picture.size
                yield picture.crop((cut * 5, cut * 3, width - cut * 4, height - cut * 5))
