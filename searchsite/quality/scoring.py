"""From ranks to figures: recall at 1, 5 and 10, mean reciprocal rank at 10, and how sure they are.

With one answer a question a rank says all; with grades, see `figures`. How alike two lists are: `overlap`, `rbo`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CUTS = (1, 5, 10)
DEEPEST = 10
Z = 1.959964
RESAMPLES, SEED = 1000, 11
RECALLS = tuple(f"recall@{cut}" for cut in CUTS)
METRICS = (f"ndcg@{DEEPEST}", *RECALLS, "mrr")
"""What `figures` returns. They are those of trec_eval and ir-measures: nDCG@10 (gains 2^g - 1), R@k, RR@10."""
PERSISTENCE = 0.9
"""Of rank-biased overlap (Webber 2010): the first ten places make up 86 % of it."""
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


def figures(ranked: Sequence[Hashable], grades: Mapping[Any, int]) -> dict[str, float]:
    """Score one list, best first, against grades from 0 up; what has no grade counts as 0. By name, as in METRICS.

    A grade g is worth 2^g - 1, divided by log2(rank + 1). For recall and the reciprocal rank each grade above 0 is an
    answer. Without any such grade there is nothing to find, and all figures are 0.
    """
    relevant = sum(grade > 0 for grade in grades.values())
    found = [at for at, one in enumerate(ranked, start=1) if grades.get(one, 0) > 0]
    recall = {
        name: sum(at <= cut for at in found) / relevant if relevant else 0.0
        for cut, name in zip(CUTS, RECALLS, strict=True)
    }
    return {METRICS[0]: ndcg(ranked, grades), **recall, "mrr": reciprocal(found[0] if found else None)}


def ndcg(ranked: Sequence[Hashable], grades: Mapping[Any, int], *, depth: int = DEEPEST) -> float:
    """Normalised discounted cumulative gain of the first `depth`, from 0 to 1; gains are 2^grade - 1."""
    best = _gained(sorted(grades.values(), reverse=True)[:depth])
    return _gained(grades.get(one, 0) for one in ranked[:depth]) / best if best else 0.0


def mean(scored: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over questions; all 0 without any."""
    return {name: sum(one[name] for one in scored) / len(scored) if scored else 0.0 for name in METRICS}


def overlap(first: Sequence[Hashable], second: Sequence[Hashable], *, depth: int = DEEPEST) -> float:
    """Which share of the first `depth` both lists have; of short lists, of the longer one's length. Both empty: 1."""
    one, other = set(first[:depth]), set(second[:depth])
    return len(one & other) / max(len(one), len(other)) if one or other else 1.0


def rbo(first: Sequence[Hashable], second: Sequence[Hashable], *, depth: int = DEEPEST) -> float:
    """Rank-biased overlap, extrapolated from the first `depth`: as overlap, but the first places count most."""
    depth = min(depth, max(len(first), len(second)))
    if not depth:
        return 1.0
    agreed = [len(set(first[:at]) & set(second[:at])) / at for at in range(1, depth + 1)]
    weighed = sum(share * PERSISTENCE**at for at, share in enumerate(agreed, start=1))
    return agreed[-1] * PERSISTENCE**depth + (1 - PERSISTENCE) / PERSISTENCE * weighed


def _gained(grades: Iterable[int]) -> float:
    return sum(float(2**grade - 1) / math.log2(at + 1) for at, grade in enumerate(grades, start=1))
