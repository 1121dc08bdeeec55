"""The rule by which several directions become one: what is wanted is added, what is not wanted is kept away from.

What is wanted is added by weight and made as long as 1. Of what is not wanted only the part counts that the wanted
lacks: "a dog", not like "a dog on the beach", is away from the beach and not from dogs. These parts are subtracted by
weight, all together at most MOST_AWAY long, so that the answer always lies nearer to what is wanted than it is away
from what is not. Where nothing is wanted, the answer is the other side of what is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from searchsite.inference.types import Vectors

MOST_AWAY = 0.7
"""Measured with the built-in embedder (docs/searching.md): more brings little, and loses what is wanted."""
LEAST = 1e-6

Weighed = tuple[float, Vectors]
"""A weight, and a vector of length 1."""


def direction(terms: Sequence[Weighed]) -> Vectors | None:
    """The one direction of length 1 that weighed vectors ask for; None where those that are wanted cancel out."""
    wanted, length = _added([(weight, vector) for weight, vector in terms if weight > 0])
    unwanted = [(-weight, vector) for weight, vector in terms if weight < 0]
    if wanted is None:
        away, _length = _added(unwanted)
        return None if away is None or len(unwanted) < len(terms) else -away
    away = np.zeros_like(wanted)
    for weight, vector in unwanted:
        away += np.float32(weight / length) * (vector - np.dot(vector, wanted) * wanted)
    far = float(np.linalg.norm(away))
    if far > MOST_AWAY:
        away *= np.float32(MOST_AWAY / far)
    kept: Vectors = wanted - away
    return kept / np.float32(np.linalg.norm(kept))


def _added(terms: Sequence[Weighed]) -> tuple[Vectors | None, float]:
    """The sum as a direction, and how much it weighs; None where nothing is left of it."""
    if not terms:
        return None, 0.0
    total: Vectors = np.sum([np.float32(weight) * vector for weight, vector in terms], axis=0, dtype=np.float32)
    length = float(np.linalg.norm(total))
    return (None, 0.0) if length < LEAST else (total / np.float32(length), length)
