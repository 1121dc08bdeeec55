"""Figures over time as numbers to draw: the template makes SVG of them, without a script, with a table below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from searchsite.quality.models import EvaluationRun

WIDTH, HEIGHT, TOP, FLOOR, LEFT, RIGHT = 720, 240, 26, 208, 36, 708
SHOWN = ("ndcg@10", "recall@10", "mrr")
NAMES = {"ndcg@10": "nDCG@10", "recall@1": "R@1", "recall@5": "R@5", "recall@10": "R@10", "mrr": "MRR"}
"""As the field writes them."""


@dataclass(frozen=True)
class Dot:
    """One figure of one run."""

    x: int
    y: int
    title: str


@dataclass(frozen=True)
class Line:
    """One metric within one stretch of the same configuration. metric: its class."""

    metric: str
    points: str
    dots: Sequence[Dot]


@dataclass(frozen=True)
class Stretch:
    """Runs in a row of the same configuration: where they begin, and the letter it goes by."""

    x: int
    letter: str


@dataclass(frozen=True)
class Chart:
    """The lines, the grid, and where the configuration changed."""

    lines: Sequence[Line]
    stretches: Sequence[Stretch]
    scale: Sequence[tuple[int, str]]
    first: datetime
    last: datetime
    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    floor: int = FLOOR
    left: int = LEFT
    right: int = RIGHT


def letters(runs: Sequence[EvaluationRun]) -> dict[str, str]:
    """A short name for each configuration, in the order in which they came."""
    order = dict.fromkeys(run.fingerprint for run in runs)
    return {fingerprint: _letter(at) for at, fingerprint in enumerate(order)}


def drawn(runs: Sequence[EvaluationRun]) -> Chart | None:
    """Draw runs, the oldest first; None where there are none."""
    if not runs:
        return None
    first, last, named = runs[0].created_at, runs[-1].created_at, letters(runs)
    lines: list[Line] = []
    stretches: list[Stretch] = []
    for fingerprint, some in groupby(runs, key=lambda run: run.fingerprint):
        together = list(some)
        stretches.append(Stretch(_x(together[0].created_at, first, last), named[fingerprint]))
        lines += [_line(metric, together, first, last) for metric in SHOWN]
    scale = [(_y(share), f"{share:.2g}") for share in (0.0, 0.5, 1.0)]
    return Chart(lines, stretches, scale, first, last)


def _line(metric: str, runs: Sequence[EvaluationRun], first: datetime, last: datetime) -> Line:
    dots = []
    for run in runs:
        value = float(run.figures.get(metric, 0.0))
        dots.append(Dot(_x(run.created_at, first, last), _y(value), f"{NAMES[metric]} {value:.2f}"))
    points = " ".join(f"{dot.x},{dot.y}" for dot in dots)
    return Line(metric.partition("@")[0], points, dots)


def _x(moment: datetime, first: datetime, last: datetime) -> int:
    whole = (last - first).total_seconds()
    share = (moment - first).total_seconds() / whole if whole else 0.5
    # Room for the dots and letters at both ends.
    return round(LEFT + 14 + (RIGHT - LEFT - 28) * share)


def _y(share: float) -> int:
    return round(FLOOR - (FLOOR - TOP) * min(1.0, max(0.0, share)))


def _letter(at: int) -> str:
    return chr(ord("A") + at % 26) + (str(at // 26) if at >= 26 else "")
