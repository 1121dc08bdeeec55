"""The thousand things the picture network can name: their words, and where they lie in the text space."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchsite.inference.types import Vectors

DATA = Path(__file__).parent / "data"
VOCABULARY = DATA / "vocab.txt"
LABELS = DATA / "labels_en.json"
VECTORS = DATA / "label_vectors.npz"


@dataclass(frozen=True)
class Labels:
    """Names, their vectors in both text spaces, and the directions that tell pictures apart."""

    names: tuple[str, ...]
    multilingual: Vectors
    english: Vectors
    visual: Vectors


def pack(vectors: Vectors) -> dict[str, NDArray[np.generic]]:
    """Rows as eight-bit integers with a scale each: a quarter of the size, cosine above 0.9999."""
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    return {"values": np.round(vectors / scale).astype(np.int8), "scale": scale.astype(np.float32)}


def _unpack(archive: dict[str, NDArray[Any]], name: str) -> Vectors:
    unpacked: Vectors = archive[f"{name}_values"].astype(np.float32) * archive[f"{name}_scale"]
    return unpacked


def load() -> Labels:
    """Read what `make_labels` wrote."""
    entries = json.loads(LABELS.read_text(encoding="utf-8"))
    with np.load(VECTORS, allow_pickle=False) as file:
        archive = dict(file)
    return Labels(
        names=tuple(entry["name"] for entry in entries),
        multilingual=_unpack(archive, "multilingual"),
        english=_unpack(archive, "english"),
        visual=_unpack(archive, "visual"),
    )
