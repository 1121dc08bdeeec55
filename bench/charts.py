"""`python -m bench.charts`: the pages of benchmarks and their charts, from what `make bench` left in bench/results."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import growth, house, machine
from bench.drawing import Axis, Line, chart, number
from bench.reporting import RECALLS

DOCS = house.ROOT / "docs"
PEERS = {"qdrant": "Qdrant engine", "lancedb": "LanceDB", "chroma": "Chroma", "faiss": "faiss", "hnswlib": "hnswlib"}
OURS, BY_HAND = "searchsite", "bare SQL, HNSW"
FLOORS = ("faiss", "hnswlib")
WHAT = """\
Written by `make charts` from what `make bench` measured; `make bench-long` goes on to a million vectors. A claim here
is a ratio within one run: CPU milliseconds and seconds are those of this machine on that day."""
HOW = """\
The vectors are made up (`bench/synthetic.py`): topics, subtopics, a cone, a Matryoshka-like scale; their cosines, local
dimension and the recall of sign bits and of prefixes are those of real embedders. Questions lie off to one side, as
texts do that ask for pictures. Ours is measured through the function that a search page calls, with its own SQL; CPU is
that of the database, and of the others that of their process. Libraries (faiss, hnswlib) store and filter nothing: they
are the floor."""
WHAT_OF_PAGES = """\
Written by `make charts` from what `make bench ARGS="searching worst"` measured: ratios within one run, and figures of
this machine on that day. The vectors of the questions are kept by then. CPU is of web server and database."""
HARDEST = """\
`bench/hard_questions.py`: any grammar and any filters up to the limits, made to be slow: 24 conditions, quotes that
most texts have, negated letters, 2,000 characters. Each was asked before, so its vector is kept. Refused: those with
more than 24 conditions, or whose conditions take too long to look up. Deep: the mean of five pages."""
Run = dict[str, Any]


def render(results: Path, docs: Path) -> list[Path]:
    """Write the pages and the charts for which there are results into the folder; returns what was written."""
    vectors, pages, worst = (_kept(results / f"{name}.json") for name in ("vectors", "searching", "worst"))
    if vectors is None and pages is None and worst is None:
        raise SystemExit("There are no results: run `make bench ARGS=vectors` first.")
    (docs / "charts").mkdir(parents=True, exist_ok=True)
    written = [] if vectors is None else _write_charts(vectors["runs"], docs / "charts")
    texts = {}
    if vectors is not None:
        texts["benchmarks.md"] = _page(vectors, [path.name for path in written])
    if pages is not None or worst is not None:
        texts["benchmarks-pages.md"] = _pages(pages, worst)
    for name, lines in texts.items():
        (docs / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*(docs / name for name in texts), *written]


def _write_charts(runs: Sequence[Run], folder: Path) -> list[Path]:
    written = []
    for name, drawn in _charts(runs):
        path = folder / f"{name}.svg"
        path.write_text(drawn, encoding="utf-8")
        written.append(path)
    return written


def _kept(path: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def _charts(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    ordinary = [run for run in runs if run["dimensions"] == 1024]
    compared = next((run for run in reversed(ordinary) if any("curve" in one for one in run["peers"].values())), None)
    if compared is not None:
        lines = [Line(name, _recall_line(curve), name in FLOORS) for name, curve in _curves(compared)]
        title = f"{compared['count']:,} vectors: CPU of a question by recall"
        yield "recall", chart(title, Axis("recall@10", low=0.9, high=1.0), Axis("CPU ms", log=True), lines)
    if len(ordinary) > 1:
        yield (
            "growth",
            chart(
                "CPU of a question at recall 0.95, by number of vectors",
                Axis("vectors", log=True),
                Axis("CPU ms", log=True),
                [Line(name, points, name in FLOORS) for name, points in _by_number(ordinary).items()],
            ),
        )
    if ordinary:
        yield "filters", _filters(ordinary)


def _curves(run: Run) -> Iterator[tuple[str, Sequence[dict[str, Any]]]]:
    yield OURS, [*run["ours"]["curve"], run["ours"]["default"]]
    yield BY_HAND, run["ours"]["hand"]["hnsw"]
    for name, peer in run["peers"].items():
        if "curve" in peer:
            yield PEERS[name], peer["curve"]


def _recall_line(curve: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Left to right the least CPU that finds at least so much."""
    points: list[tuple[float, float]] = []
    for one in sorted(curve, key=lambda one: (-float(one["recall"]), float(one["cpu_ms"]))):
        if one["recall"] >= 0.9 and (not points or one["cpu_ms"] < points[-1][1]):
            points.append((one["recall"], one["cpu_ms"]))
    return points[::-1]


def _by_number(runs: Sequence[Run]) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        for name, curve in _curves(run):
            point = growth.cheapest(curve, 0.95)
            if point is not None:
                found.setdefault(name, []).append((run["count"], point["cpu_ms"]))
    return found


def _filters(runs: Sequence[Run]) -> str:
    lines = []
    for run in runs:
        bucket = [one for one in run["ours"]["filters"] if one["filter"].endswith("bucket")]
        points = [(float(one["filter"].split()[0]), one["cpu_ms"]) for one in bucket]
        lines.append(
            Line(f"{number(run['count'])} vectors", [*points[::-1], (100.0, run["ours"]["default"]["cpu_ms"])])
        )
    across = Axis("visible, % of the vectors", log=True)
    return chart("Filtered search: CPU of a question", across, Axis("CPU ms", log=True), lines)


def _page(vectors: dict[str, Any], charts: Sequence[str]) -> Iterator[str]:
    yield from ("# Benchmarks", "", *WHAT.splitlines(), "", *_machine(vectors["machine"]), "", *HOW.splitlines())
    yield "Searches through the real server have [a page of their own](benchmarks-pages.md)."
    for name in charts:
        yield ""
        yield f"![{name.removesuffix('.svg').capitalize()}](charts/{name})"
    yield from _targets(vectors["targets"])
    for run in vectors["runs"]:
        yield from _run(run)
    yield from _growth(vectors["runs"])


def _targets(targets: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "## Targets", "| ratio | aim | measured | |", "|---|---|---|---|")
    for one in targets:
        value = number(one["value"]) if one["value"] is not None else "-"
        yield f"| {one['name']} | {'>=' if one['least'] else '<='} {one['aim']:g} | {value} | {one['verdict']} |"


def _machine(found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Machine: {found['cores']} cores ({found['processor']}), {found['memory_gb']} GB, load {found['load']} before"
        f" and {found['load_after']} after, {found['at'][:10]}."
    )
    if found["load"] > found["cores"] or found["load_after"] > found["cores"]:
        yield "Others used the machine at the same time: wall times are too long, and CPU milliseconds up to twice what"
        yield "they are on a quiet one. Ratios hold better, as everything was measured under it."


def _run(run: Run) -> Iterator[str]:
    yield ""
    yield f"## {run['count']:,} vectors of {run['dimensions']} dimensions"
    heads = "".join(f" CPU ms at recall {recall:g} |" for recall in RECALLS)
    yield f"| |{heads} 1 % filter, CPU ms (recall) | rows built a CPU second |"
    yield "|---|" + "---|" * (len(RECALLS) + 2)
    ours = run["ours"]
    hand = ours["hand"]
    yield _row(OURS, [*ours["curve"], ours["default"]], ours["filters"], ours["built"])
    yield _row("bare SQL, all compared", hand["exact"], [], None)
    yield _row("bare SQL, codes", hand["codes"], [], None)
    yield _row(BY_HAND, hand["hnsw"], [], hand["builds"].get("128"))
    for name, peer in run["peers"].items():
        if "missing" in peer:
            yield f"| {PEERS[name]} | {peer['missing']} |" + " |" * (len(RECALLS) + 1)
        else:
            yield _row(f"{PEERS[name]} {peer['version']}", peer["curve"], peer["filters"], peer["built"])
    default, insert, first = ours["default"], ours["insert"], ours["first"]
    asked = ", ".join(f"{rate:.0f} with {name}" for name, rate in ours["clients"].items())
    yield ""
    yield f"As the product asks: {default['cpu_ms']:.2f} ms CPU in the database, {default['client_ms']:.2f} in Python,"
    yield f"p50 {default['p50_ms']:.1f} ms, p95 {default['p95_ms']:.1f} ms, recall {default['recall']:.3f}."
    yield f"Questions a second: {asked} clients at once. {_bytes(run)}"
    yield f"Loaded with {ours['loaded']['rows_s']:,} rows/s; one by one, with every index in place,"
    yield f"{insert['rows_s']:.0f} rows/s ({insert['cpu_ms']:.2f} ms CPU each)."
    yield f"First question after a restart {first['first_ms']:.0f} ms, warm {first['warm_ms']:.1f}."
    yield ""
    yield "| filter | CPU ms | p50 ms | p95 ms | recall@10 |"
    yield "|---|---|---|---|---|"
    for one in ours["filters"]:
        times = " | ".join(f"{one[key]:.2f}" for key in ("cpu_ms", "p50_ms", "p95_ms"))
        yield f"| {one['filter']} | {times} | {one['recall']:.3f} |"


def _bytes(run: Run) -> str:
    sizes, count = run["ours"]["bytes"], run["count"]
    indexes = sum(size for name, size in sizes.items() if name != "table")
    return f"A vector takes {sum(sizes.values()) / count:,.0f} bytes, {indexes / count:,.0f} of them indexes."


def _row(name: str, curve: Sequence[Run], filters: Sequence[Run], built: dict[str, Any] | None) -> str:
    points = (growth.cheapest(curve, recall) for recall in RECALLS)
    cells = [f"{point['cpu_ms']:.2f}" if point else "-" for point in points]
    within = next((one for one in filters if one["filter"] == "1 % bucket"), None)
    cells.append(f"{within['cpu_ms']:.2f} ({within['recall']:.2f})" if within else "-")
    cells.append(f"{built['rows_cpu_s']:,}" if built else "-")
    return f"| {name} | " + " | ".join(cells) + " |"


def _growth(runs: Sequence[Run]) -> Iterator[str]:
    found = growth.fits(runs)
    if not found:
        return
    names = {"query": "CPU ms of a question", "build": "CPU s to load and build", "bytes": "bytes, all in"}
    names["index"] = "bytes of codes and graphs"
    yield from ("", "## Growth", "Fitted as a * N^b at 1024 dimensions; beyond the measured N it is extrapolated.", "")
    yield "| | b | measured | 1M | 10M |"
    yield "|---|---|---|---|---|"
    for name, power in found.items():
        measured = ", ".join(f"{number(value)} at {number(count)}" for count, value in power.points)
        beyond = f"{number(power.at(1e6))} | {number(power.at(1e7))}"
        yield f"| {names[name]} | {power.exponent:.2f} | {measured} | {beyond} |"
    yield from ("", "One such machine ends where the first of these is reached (docs/scale.md says what comes then):")
    for end in growth.ends(found):
        yield f"- {number(end.number)} vectors: {end.limit}."


def _pages(pages: dict[str, Any] | None, worst: dict[str, Any] | None) -> Iterator[str]:
    yield from ("# Benchmarks: searches through the real server", "", *WHAT_OF_PAGES.splitlines())
    if pages is not None:
        yield from ("", *_machine(pages["machine"]), *_targets(pages["targets"]))
        for run in pages["runs"]:
            yield from _of_pages(run)
    if worst is not None:
        yield from _hardest(worst)


def _of_pages(run: Run) -> Iterator[str]:
    yield from ("", f"## {run['count']:,} items, half pictures and half texts")
    yield "| | web CPU ms | database CPU ms | p50 ms | p95 ms | a second |"
    yield "|---|---|---|---|---|---|"
    rows = {f"search page, {name} at once": page for name, page in run["pages"].items()} | {"API": run["api"]}
    rows |= {f"API, in the collection {name}": page for name, page in run["filtered"].items()}
    rows["a bare page (floor)"] = run["raw"]
    if "naive" in run:
        rows["a page of the ORM, 4 at once"] = run["naive"]
    for name, one in rows.items():
        cells = (f"{one[key]:.2f}" for key in ("web", "database", "p50", "p95", "rate"))
        yield f"| {name} | " + " | ".join(cells) + " |"
    first, warm = run["restart"]["first_ms"], run["restart"]["warm_ms"]
    yield from ("", f"First search after a restart {first:.0f} ms, warm {warm:.1f} ms.")


def _hardest(worst: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## The hardest questions over {worst['items']:,} items", *_machine(worst["machine"]))
    yield from (*HARDEST.splitlines(), "")
    yield "| | asked | p50 ms | p95 ms | longest ms | over 500 ms | failed | refused | a part left out |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for way, one in worst["ways"].items():
        cells = [one[key] for key in ("asked", "wall_p50", "wall_p95", "wall_max", "over", "refused")]
        left_out = f"{one['cut']:.0f}" if way == "page 1" else ""
        yield f"| {way} | " + " | ".join(f"{cell:.0f}" for cell in cells[:5]) + f" | | {cells[5]:.0f} | {left_out} |"
    for name, one in worst["http"].items():
        cells = [one[key] for key in ("asked", "p50", "p95", "max", "over", "failed")]
        yield f"| over HTTP: {name} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " | | |"


def main() -> None:
    """Write them and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=machine.RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS)
    asked = parser.parse_args()
    for path in render(asked.results, asked.docs):
        print(path)


if __name__ == "__main__":
    main()
