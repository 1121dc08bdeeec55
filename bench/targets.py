"""What the figures of one run should be: ratios, so that they hold on any machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.growth import cheapest

RECALL = 0.98
FILTERED_RECALL = 0.97
FP32 = 4
COMPARED = {"faiss": 5.0, "qdrant": 2.5, "lancedb": 0.3, "chroma": 0.7}
BULK_AT = 50_000


@dataclass(frozen=True)
class Target:
    """`value` is None where it could not be measured; `why` then says why."""

    name: str
    aim: float
    value: float | None
    least: bool = False
    """Whether it is to be at least the aim, rather than at most."""
    why: str = ""

    @property
    def holds(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.aim if self.least else self.value <= self.aim

    @property
    def verdict(self) -> str:
        """Such as "misses by 1.3 x"."""
        if self.value is None:
            return f"not measured: {self.why}"
        if self.holds:
            return "holds"
        over = self.aim / max(self.value, 1e-9) if self.least else self.value / self.aim
        return f"misses by {over:.2f} x"

    @property
    def line(self) -> str:
        sign = ">=" if self.least else "<="
        value = f"{self.value:9.3f}" if self.value is not None else "        -"
        return f"{self.name:<72} {value}  (aim {sign} {self.aim:g})  {self.verdict}"

    @property
    def figures(self) -> dict[str, Any]:
        """For the results."""
        return {"name": self.name, "aim": self.aim, "value": self.value, "least": self.least, "verdict": self.verdict}


def of_vectors(runs: Sequence[dict[str, Any]]) -> Iterator[Target]:
    """Those of search by vector; each at the largest size of 1024 dimensions at which both find enough."""
    runs = [run for run in runs if run["dimensions"] == 1024]
    if not runs:
        return
    for name, aim in COMPARED.items():
        yield _compared(runs, name, aim)
    yield from _filtered(runs[-1])
    yield from _sizes(runs[-1])
    yield from _bulk(runs)
    first = runs[-1]["ours"]["first"]
    yield Target(f"{_n(runs[-1])}: first question after a restart / warm", 2.0, first["first_ms"] / first["warm_ms"])


def _compared(runs: Sequence[dict[str, Any]], name: str, aim: float) -> Target:
    what = f"CPU of a question / {name}, recall >= {RECALL:g}"
    both = [run for run in runs if "curve" in run["peers"].get(name, {})]
    if not both:
        said = next((run["peers"][name]["missing"] for run in runs if name in run["peers"]), "not asked")
        return Target(what, aim, None, why=said)
    for run in reversed(both):
        ours, theirs = of_ours(run["ours"], RECALL), cheapest(run["peers"][name]["curve"], RECALL)
        if ours is not None and theirs is not None:
            return Target(f"{_n(run)}: {what}", aim, ours["cpu_ms"] / theirs["cpu_ms"])
    return Target(f"{_n(both[-1])}: {what}", aim, None, why="one of the two never finds so much")


def of_ours(ours: dict[str, Any], recall: float) -> dict[str, Any] | None:
    """Our cheapest point that finds so much; as the product asks by itself is one of them."""
    return cheapest([*ours["curve"], ours["default"]], recall)


def _filtered(run: dict[str, Any]) -> Iterator[Target]:
    ours = run["ours"]
    cells = [one for one in ours["filters"] if not one["filter"].endswith("far")]
    worst = max(cells, key=lambda one: float(one["cpu_ms"]))
    ratio = worst["cpu_ms"] / ours["default"]["cpu_ms"]
    yield Target(f"{_n(run)}: worst filter ({worst['filter']}) / no filter, CPU", 8.0, ratio)
    least = min(cells, key=lambda one: float(one["recall"]))
    name = f"{_n(run)}: recall@10 of the worst filter ({least['filter']})"
    yield Target(name, FILTERED_RECALL, least["recall"], least=True)


def _sizes(run: dict[str, Any]) -> Iterator[Target]:
    sizes, count = run["ours"]["bytes"], run["count"]
    yield Target(f"{_n(run)}: bytes of a vector, all in", 4200, sum(sizes.values()) / count)
    indexes = sum(size for name, size in sizes.items() if name != "table")
    yield Target(f"{_n(run)}: bytes of the indexes / of raw fp32", 0.25, indexes / count / run["dimensions"] / FP32)


def _bulk(runs: Sequence[dict[str, Any]]) -> Iterator[Target]:
    """Of a graph over the prefix, by hand at the libraries' effort; and the product's own, which takes more effort."""
    run = next((one for one in runs if one["count"] == BULK_AT), runs[-1])
    theirs = run["peers"].get("hnswlib", {})
    if "built" not in theirs:
        yield Target("rows built / hnswlib", 1.0, None, least=True, why=theirs.get("missing", "not asked"))
        return
    rate, ours = theirs["built"]["rows_cpu_s"], run["ours"]
    by_hand = ours["hand"]["builds"].get("64")
    if by_hand is not None:
        value = by_hand["rows_cpu_s"] / rate
        yield Target(f"{_n(run)}: rows built a CPU second, prefix by hand / hnswlib", 1.0, value, least=True)
    built = ours["built"] or ours["hand"]["builds"].get("128")
    if built is not None:
        who = "ours" if ours["built"] else "by hand with our effort"
        value = built["rows_cpu_s"] / rate
        yield Target(f"{_n(run)}: rows built a CPU second, {who} / hnswlib", 0.5, value, least=True)


def _n(run: dict[str, Any]) -> str:
    return f"{run['count'] // 1000}k"
