"""Small disks, which fill quickly: file systems in memory, which only root can mount."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PIECE = 4096


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size, mounted at the path."""
    path.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)]
    ran = subprocess.run(mount, capture_output=True, text=True, check=False)
    if ran.returncode:
        # A check that was not made is a failure where all of them are asked for.
        assert not (os.environ.get("CI") and os.getuid() == 0), ran.stderr
        pytest.skip(f"a file system can't be mounted here: {ran.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path, *, leave: int = 0) -> Path:
    """A file that takes all room but so many bytes; where it is removed, there is room again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize > leave:
                out.write(bytes(PIECE))
        except OSError:
            pass
    return filler


def noise(seed: int, side: int = 316) -> bytes:
    """A picture that is as large as its pixels: 300 KB."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
