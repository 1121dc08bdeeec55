"""From answered questions to tables: one row for each group of questions, one column for each way of searching."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from searchsite.quality.measuring import Answered
from searchsite.quality.scoring import CUTS, Score, difference, score
from searchsite.quality.sets import OPEN_LANGUAGE, WITH_PROGRAM, half_of

FEWEST = 20
"""A group of fewer questions says little, and has no row of its own."""


@dataclass(frozen=True)
class Line:
    """One group of questions, and what each way of searching scores on it."""

    direction: str
    group: str
    scores: Mapping[str, Score]
    ahead: Mapping[str, tuple[float, tuple[float, float]]]
    """By how much MRR the fused list is ahead of each channel on the same questions."""


def lines(answered: Sequence[Answered]) -> list[Line]:
    """Rows: each direction as a whole, then by parts of the set, by halves and by language."""
    found: list[Line] = []
    for direction in _values(answered, lambda one: one.asking.direction):
        there = [one for one in answered if one.asking.direction == direction]
        plain = [one for one in there if one.asking.about != WITH_PROGRAM]
        found.append(_line(direction, "all", plain))
        for group, some in _groups(there):
            if len(some) >= FEWEST and len(some) < len(there):
                found.append(_line(direction, group, some))
    return found


def summary(answered: Sequence[Answered]) -> dict[str, Any]:
    """The figures as JSON can hold them."""
    times = sorted(one.milliseconds for one in answered)
    return {
        "questions": len(answered),
        "milliseconds": {"p50": statistics.median(times), "p95": times[int(0.95 * (len(times) - 1))]} if times else {},
        "lines": [asdict(line) for line in lines(answered)],
    }


def as_text(found: Iterable[Line]) -> list[str]:
    """Rows for a terminal."""
    rows = [f"{'':44}{'n':>5}  " + "  ".join(f"{name:^23}" for name in ("words", "vectors", "fused"))]
    rows.append(f"{'':51}" + "  ".join(f"{'R@1':>5}{'R@5':>6}{'R@10':>6}{'MRR':>6}" for _ in range(3)))
    for line in found:
        label = f"{line.direction}, {line.group}"[:43]
        cells = "  ".join(_plain(line.scores.get(name)) for name in ("words", "vectors", "fused"))
        number = max(one.number for one in line.scores.values())
        rows.append(f"{label:44}{number:>5}  {cells}")
    return rows


def as_markdown(found: Iterable[Line]) -> list[str]:
    """Rows for a document: recall at 1 / 5 / 10, and MRR with its 95 % interval."""
    rows = [
        "| direction | questions | n | words | vectors | fused | fused MRR (95 %) |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in found:
        cells = " | ".join(_cell(line.scores.get(name)) for name in ("words", "vectors", "fused"))
        fused = line.scores.get("fused")
        sure = f"{fused.mrr:.2f} ({fused.mrr_within[0]:.2f}-{fused.mrr_within[1]:.2f})" if fused else ""
        number = max(one.number for one in line.scores.values())
        rows.append(f"| {line.direction} | {line.group} | {number} | {cells} | {sure} |")
    return rows


def _groups(there: Sequence[Answered]) -> list[tuple[str, list[Answered]]]:
    """Parts of the set, English or not, each language, and the two halves."""
    found = [(about, [one for one in there if one.asking.about == about]) for about in _abouts(there) if about]
    own = [one for one in there if one.asking.about != WITH_PROGRAM and one.asking.language != OPEN_LANGUAGE]
    found.append(("in English", [one for one in own if one.asking.language == "en"]))
    found.append(("in other languages", [one for one in own if one.asking.language != "en"]))
    with_program = [one for one in there if one.asking.about == WITH_PROGRAM and one.asking.language == "en"]
    found.append((f"in English, {WITH_PROGRAM}", with_program))
    for language in _values(own, lambda one: one.asking.language):
        found.append((f"in {language}", [one for one in own if one.asking.language == language]))
    for half, name in enumerate(("half for tuning", "half kept aside")):
        found.append((name, [one for one in there if half_of(one.asking) == half]))
    return [(name, some) for name, some in found if name != "in en"]


def _abouts(there: Sequence[Answered]) -> list[str]:
    abouts = _values(there, lambda one: one.asking.about)
    return abouts if len(abouts) > 1 else []


def _line(direction: str, group: str, some: Sequence[Answered]) -> Line:
    columns = list(some[0].ranks) if some else []
    ranks = {name: [one.ranks[name] for one in some] for name in columns}
    ahead = {name: difference(ranks["fused"], ranks[name]) for name in columns if name != "fused" and "fused" in ranks}
    return Line(direction, group, {name: score(found) for name, found in ranks.items()}, ahead)


def _values(answered: Iterable[Answered], of: Callable[[Answered], str]) -> list[str]:
    return list(dict.fromkeys(of(one) for one in answered))


def _plain(found: Score | None) -> str:
    if found is None:
        return " " * 23
    return "".join(f"{found.recall[cut]:>6.2f}" for cut in CUTS)[1:] + f"{found.mrr:>6.2f}"


def _cell(found: Score | None) -> str:
    return "" if found is None else " / ".join(f"{found.recall[cut]:.2f}" for cut in CUTS)
