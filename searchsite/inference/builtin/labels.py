"""The thousand things the picture network can name: their words, and where they lie in the text space."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
KINDS = """
aircraft animal bag ball bear beetle bicycle bird boat bottle bridge building butterfly camera car cat chair clock
clothing computer crab dog elephant fish flower food footwear fox frog fruit furniture guitar hat horse insect lamp
lizard monkey parrot rabbit rodent ship snake spider tool train truck turtle vegetable vehicle weapon wolf
"""
EVERYDAY = frozenset([*KINDS.split(), "musical instrument"])
"""Wider terms that people use; WordNet's others (carnivore, diapsid, oscine) are hardly ever asked for."""


@dataclass(frozen=True)
class Labels:
    """Names, their vectors in both text spaces, and the directions that tell pictures apart.

    `wider`: everyday terms with the labels that are of that kind.
    """

    names: tuple[str, ...]
    wider: tuple[tuple[str, NDArray[np.intp]], ...]
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
        wider=tuple((term, _of_kind(term, entries)) for term in sorted(EVERYDAY)),
        multilingual=_unpack(archive, "multilingual"),
        english=_unpack(archive, "english"),
        visual=_unpack(archive, "visual"),
    )


def _of_kind(term: str, entries: Sequence[dict[str, Any]]) -> NDArray[np.intp]:
    """The places of the labels that are of that kind."""
    return np.array([place for place, entry in enumerate(entries) if term in entry["hypers"]], np.intp)
