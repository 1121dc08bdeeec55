"""Computes data/label_vectors.npz from the label texts and the networks.

Run it with: python -m searchsite.inference.builtin.make_labels
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchsite.inference.builtin.checkpoint import read_tensors
from searchsite.inference.builtin.efficientnet import checkpoint_path
from searchsite.inference.builtin.labels import LABELS, VECTORS, VOCABULARY, pack
from searchsite.inference.builtin.sentences import EnglishEncoder, MultilingualEncoder, unit
from searchsite.inference.types import Vectors

PHRASINGS = ("name", "hyp1", "gloss")
"""A label stands at the middle of its name, its name with the next wider term, and its dictionary entry."""
VISUAL_DIMENSIONS = 128


def label_vectors(entries: Sequence[dict[str, str]]) -> tuple[Vectors, Vectors]:
    """Unit vectors of the labels in the multilingual and in the English space."""
    multilingual, english = MultilingualEncoder(), EnglishEncoder(VOCABULARY)
    phrasings = [[entry[phrasing] for entry in entries] for phrasing in PHRASINGS]
    return (
        unit(np.sum([multilingual.encode(texts) for texts in phrasings], axis=0)),
        unit(np.sum([english.encode(texts)[0] for texts in phrasings], axis=0)),
    )


def visual_directions() -> Vectors:
    """The directions of feature space in which the classifier's labels differ most, strongest first."""
    weights = read_tensors(checkpoint_path())["_fc.weight"]
    directions = np.linalg.svd(weights - weights.mean(axis=0), full_matrices=False)[2][:VISUAL_DIMENSIONS]
    strongest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), strongest])  # LAPACK leaves the sign open
    fixed: Vectors = (directions * signs[:, None]).astype(np.float32)
    return fixed


def main(target: Path = VECTORS) -> None:
    """Write the archive (about 20 seconds)."""
    entries = json.loads(LABELS.read_text(encoding="utf-8"))
    multilingual, english = label_vectors(entries)
    tables = {"multilingual": multilingual, "english": english, "visual": visual_directions()}
    packed: dict[str, NDArray[np.generic]] = {
        f"{name}_{part}": values for name, table in tables.items() for part, values in pack(table).items()
    }
    with target.open("wb") as file:
        np.savez_compressed(file, **packed)  # type: ignore[arg-type]
    sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
