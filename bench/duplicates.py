"""How well copies of pictures are told from pictures that are only alike: precision and recall on folders of pictures.

    python -m bench.duplicates FOLDER [FOLDER ...] [--copies 80] [--vectors]

Each picture of the folders is taken for one of its own; of some, copies are made: other sizes, qualities, brightness,
and with their edges cut off. With --vectors also what the built-in embedder's vectors say of each pair.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from searchsite.library import perceptual
from searchsite.library.decoder.protocol import Policy, unpack_answer
from searchsite.library.decoder.rendering import render

SIZES = (480, 2048)


def main() -> None:
    """Print one line a kind of copy, and every pair of different pictures that is taken for one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=80, help="of how many pictures of each folder copies are made")
    parser.add_argument("--vectors", action="store_true", help="confirm by the built-in embedder, as the site does")
    asked = parser.parse_args()
    near = _embedder() if asked.vectors else None
    for folder in asked.folders:
        _measure(folder, asked.copies, near)


def _measure(folder: Path, copies: int, near: Callable[[bytes, bytes], float] | None) -> None:
    shown = {path: drawn for path in sorted(folder.rglob("*")) if path.is_file() and (drawn := _shown(path))}
    prints = {path: perceptual.print_of(drawn[0]) for path, drawn in shown.items()}
    print(f"{folder}: {len(prints)} pictures, {len(prints) * (len(prints) - 1) // 2:,} pairs")
    for one, other in combinations(prints, 2):
        alike = _alike(prints[one], prints[other], shown[one][0], shown[other][0])
        if alike:
            print(f"  taken for one: {alike:4} {_said(near, shown[one][1], shown[other][1])} {one.name} {other.name}")
    chosen = random.Random(1).sample(sorted(shown), min(copies, len(shown)))
    found: dict[str, list[str]] = {}
    for path in chosen:
        for name, copy in _copies(Image.open(io.BytesIO(shown[path][1])).convert("RGB")):
            again = _rendered(copy)
            alike = _alike(prints[path], perceptual.print_of(again[0]), shown[path][0], again[0])
            if alike == "cut" and near is not None:
                alike = "confirmed" if near(shown[path][1], again[1]) >= 0.9 else "not confirmed"
            found.setdefault(name, []).append(alike)
    for name, ways in found.items():
        shares = {way: ways.count(way) / len(ways) for way in ("copy", "cut", "confirmed", "not confirmed", "")}
        said = ", ".join(f"{way or 'missed'} {share:.2f}" for way, share in shares.items() if share)
        print(f"  {name:12} {said}")


def _alike(one: perceptual.Print, other: perceptual.Print, shown: bytes, again: bytes) -> str:
    """As the site finds it: by their prints, and copies by a close look."""
    found = perceptual.likeness(one, other)
    return "" if found == "copy" and not perceptual.is_same(shown, again) else found


def _said(near: Callable[[bytes, bytes], float] | None, one: bytes, other: bytes) -> str:
    return "" if near is None else f"{near(one, other):.3f}"


def _copies(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    width, height = picture.size
    yield "half", _file(picture.resize((max(1, width // 2), max(1, height // 2))), "PNG")
    yield "quarter", _file(picture.resize((max(1, width // 4), max(1, height // 4))), "PNG")
    yield "twice", _file(picture.resize((width * 2, height * 2), Image.Resampling.BICUBIC), "PNG")
    yield "JPEG 85", _file(picture, "JPEG", quality=85)
    yield "JPEG 40", _file(picture, "JPEG", quality=40)
    yield "brighter", _file(ImageEnhance.Brightness(picture).enhance(1.1), "PNG")
    yield "contrast", _file(ImageEnhance.Contrast(picture).enhance(1.15), "PNG")
    for percent in (1, 2, 4):
        x, y = round(width * percent / 100), round(height * percent / 100)
        yield f"{percent} % cut", _file(picture.crop((x, y, width - x, height - y)), "PNG")


def _file(picture: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _shown(path: Path) -> tuple[bytes, bytes] | None:
    try:
        return _rendered(path.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return None


def _rendered(data: bytes) -> tuple[bytes, bytes]:
    """The smallest and the largest of what the decoder makes of a file."""
    _header, pictures = unpack_answer(render(io.BytesIO(data), Policy(50_000_000, 65_000, SIZES)))
    return pictures[-1], pictures[0]


def _embedder() -> Callable[[bytes, bytes], float]:
    from searchsite.inference.builtin.engine import Engine  # noqa: PLC0415

    engine = Engine(Path(tempfile.mkdtemp()))
    kept: dict[bytes, np.ndarray] = {}

    def vector(data: bytes) -> np.ndarray:
        if data not in kept:
            kept[data] = engine.embed_picture(Image.open(io.BytesIO(data)).convert("RGB"))
        return kept[data]

    return lambda one, other: float(vector(one) @ vector(other))


if __name__ == "__main__":
    main()
