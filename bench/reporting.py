"""The figures as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench import growth
from bench.targets import Target

RECALLS = (0.95, 0.98, 0.99)
HAND = {"exact": "SQL, all compared", "codes": "SQL, codes", "hnsw": "SQL, HNSW 256"}


def size(run: dict[str, Any]) -> Iterator[str]:
    """One number of vectors: who finds how much for how much CPU."""
    ours, count = run["ours"], run["count"]
    yield ""
    yield f"{count:,} vectors of {run['dimensions']} dimensions; CPU ms of a question (p50 wall ms) at recall@10 of"
    yield f"{'':<22}" + "".join(f"{f'{recall:g}':>23}" for recall in RECALLS) + f"{'1 % filter':>23}{'rows/CPU s':>12}"
    yield _line("searchsite", [*ours["curve"], ours["default"]], ours["filters"], ours["built"])
    for name, title in HAND.items():
        effort = ours["hand"]["builds"].get("128") if name == "hnsw" else None
        yield _line(title, ours["hand"][name], [], effort)
    for name, peer in run["peers"].items():
        if "missing" in peer:
            yield f"{name:<22}{peer['missing']}"
        else:
            yield _line(f"{name} {peer['version']}", peer["curve"], peer["filters"], peer["built"])
    yield from _ours(ours, count)


def _line(
    name: str, curve: Sequence[dict[str, Any]], filters: Sequence[dict[str, Any]], built: dict[str, Any] | None
) -> str:
    cells = [_cell(growth.cheapest(curve, recall)) for recall in RECALLS]
    one_percent = next((one for one in filters if one["filter"] == "1 % bucket"), None)
    cells.append(_cell(one_percent))
    return f"{name:<22}" + "".join(f"{cell:>23}" for cell in cells) + f"{built['rows_cpu_s'] if built else '-':>12}"


def _cell(point: dict[str, Any] | None) -> str:
    return f"{point['cpu_ms']:.2f} ({point['p50_ms']:.1f}) @{point['recall']:.3f}" if point else "-"


def _ours(ours: dict[str, Any], count: int) -> Iterator[str]:
    default, inside, insert = ours["default"], ours["inside"], ours["insert"]
    yield (
        f"as the product asks: {default['cpu_ms']:.2f} ms CPU in the database and {default['client_ms']:.2f} in Python,"
        f" p50 {default['p50_ms']:.1f}, p95 {default['p95_ms']:.1f} ms, recall {default['recall']:.3f};"
        f" pictures to pictures {inside['cpu_ms']:.2f} ms, recall {inside['recall']:.3f}"
    )
    asked = ", ".join(f"{number} clients {rate:.0f}" for number, rate in ours["clients"].items())
    yield f"questions a second: {asked}"
    filters = "; ".join(f"{one['filter']} {one['cpu_ms']:.1f} @{one['recall']:.2f}" for one in ours["filters"])
    yield f"filters, CPU ms: {filters}"
    each = ", ".join(f"{name} {size / count:.0f}" for name, size in ours["bytes"].items())
    yield f"bytes a vector: {each}; all in {sum(ours['bytes'].values()) / count:.0f}"
    loaded, first = ours["loaded"], ours["first"]
    yield (
        f"loaded {loaded['rows_s']:,} rows/s ({loaded['server_cpu_s']:.1f} s CPU), one by one"
        f" {insert['rows_s']:.0f} rows/s ({insert['cpu_ms']:.2f} ms CPU, p50 {insert['p50_ms']:.1f} ms)"
    )
    yield (
        f"after a restart: first {first['first_ms']:.1f} ms, the next ten {first['next_ms']:.1f}, warm"
        f" {first['warm_ms']:.1f}"
    )


def verdicts(found: Sequence[Target]) -> Iterator[str]:
    """Each target with its verdict."""
    yield ""
    yield "Targets (performance, ratios of this run)"
    for target in found:
        yield target.line


def growing(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The fits, and where one machine ends by them."""
    found = growth.fits(runs)
    if not found:
        return
    yield ""
    yield "Growth, fitted at 1024 dimensions: cost = a * N^b"
    units = {"query": "ms CPU a question", "build": "s CPU to load and build", "bytes": "bytes", "index": "hot bytes"}
    for name, power in found.items():
        measured = ", ".join(f"{value:.3g} at {number:,.0f}" for number, value in power.points)
        yield (
            f"{units[name]:<24} b = {power.exponent:.2f}; measured {measured}; extrapolated {power.at(1e6):.3g} at 1M,"
            f" {power.at(1e7):.3g} at 10M"
        )
    for end in growth.ends(found):
        yield f"at {end.number:,.0f} vectors {end.limit} (extrapolated, this machine)"
