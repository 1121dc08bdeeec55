"""From ranks to figures: recall at 1, 5 and 10, mean reciprocal rank at 10, and how sure they are."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

CUTS = (1, 5, 10)
DEEPEST = 10
Z = 1.959964
RESAMPLES, SEED = 1000, 11
Rank = int | None
Interval = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """What a list of ranks comes to. `recall` is by cut; intervals hold the true value 95 times in 100."""

    number: int
    recall: dict[int, float]
    mrr: float
    recall_within: dict[int, Interval]
    mrr_within: Interval


def score(ranks: Sequence[Rank]) -> Score:
    """Score the rank of the best answer of each question; None is not among the first ten."""
    hits = {cut: sum(rank is not None and rank <= cut for rank in ranks) for cut in CUTS}
    worth = [reciprocal(rank) for rank in ranks]
    number = len(ranks)
    return Score(
        number,
        {cut: hits[cut] / number if number else 0.0 for cut in CUTS},
        sum(worth) / number if number else 0.0,
        {cut: wilson(hits[cut], number) for cut in CUTS},
        bootstrap(worth),
    )


def reciprocal(rank: Rank) -> float:
    """What one answer is worth."""
    return 1 / rank if rank is not None and rank <= DEEPEST else 0.0


def wilson(hits: int, number: int) -> Interval:
    """Wilson's 95 % interval of a share: honest for small numbers and near 0 and 1, too."""
    if not number:
        return 0.0, 1.0
    share, square = hits / number, Z * Z
    middle = (share + square / (2 * number)) / (1 + square / number)
    reach = Z / (1 + square / number) * math.sqrt(share * (1 - share) / number + square / (4 * number * number))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def bootstrap(values: Sequence[float]) -> Interval:
    """The 95 % interval of a mean, by drawing anew; always the same for the same values."""
    if not values:
        return 0.0, 0.0
    chance = random.Random(SEED)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]


def difference(first: Sequence[Rank], second: Sequence[Rank]) -> tuple[float, Interval]:
    """How much larger the mean reciprocal rank of the first is on the same questions, and its 95 % interval."""
    pairs = [reciprocal(one) - reciprocal(other) for one, other in zip(first, second, strict=True)]
    return (sum(pairs) / len(pairs) if pairs else 0.0), bootstrap(pairs)
