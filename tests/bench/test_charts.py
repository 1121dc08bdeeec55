"""Figures become charts, a page and verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import charts, drawing, growth, reporting, targets
from bench.drawing import Axis, Line

SVG = "{http://www.w3.org/2000/svg}"


def point(recall: float, cpu: float, **more: Any) -> dict[str, Any]:
    return {"setting": 1, "recall": recall, "cpu_ms": cpu, "client_ms": 0.1, "p50_ms": cpu, "p95_ms": 2 * cpu, **more}


def run(count: int, cpu: float) -> dict[str, Any]:
    """A run in which a question costs us `cpu` ms, faiss a fifth, and Chroma is not there."""
    curve = [point(0.94, cpu / 2), point(0.985, cpu), point(0.999, 2 * cpu)]
    built = {"seconds": 1.0, "cpu_s": count / 1000, "rows_cpu_s": 1000}
    filters = [
        point(1.0, 3 * cpu, filter="10 % bucket"),
        point(0.9, cpu, filter="1 % bucket"),
        point(0.5, 99, filter="1 % far"),
    ]
    ours = {
        "curve": curve,
        "default": point(0.99, 2 * cpu),
        "inside": point(0.99, cpu),
        "filters": filters,
        "built": built,
        "bytes": {"table": 3000 * count, "scan": 100 * count, "hnsw": 500 * count},
        "loaded": {"rows_s": 1000, "server_cpu_s": count / 1000},
        "clients": {"1": 10.0, "2": 20.0},
        "first": {"first_ms": 30.0, "next_ms": 20.0, "warm_ms": 10.0},
        "insert": point(1, 1, rows_s=100.0),
        "hand": {"builds": {"64": built}, "exact": [point(1.0, 50)], "codes": curve, "hnsw": curve},
    }
    library = {"version": "1", "floor": True, "built": built, "curve": [point(0.99, cpu / 5)], "filters": []}
    missing = {"missing": "failed: no wheel <here>"}
    return {
        "count": count,
        "dimensions": 1024,
        "ours": ours,
        "peers": {"faiss": library, "hnswlib": library, "chroma": missing},
    }


def test_a_chart_has_a_line_a_dot_for_each_point_and_a_name() -> None:
    drawn = drawing.chart(
        "Cost & gain", Axis("N", log=True), Axis("ms"), [Line("ours <us>", [(10, 1), (100, 2)]), Line("empty", [])]
    )
    tree = ElementTree.fromstring(drawn)
    assert len(tree.findall(f"{SVG}polyline")) == 1
    assert len(tree.findall(f"{SVG}circle")) == 2
    assert {"Cost & gain", "ours <us>", "N", "ms"} <= {text.text for text in tree.findall(f"{SVG}text")}
    assert "prefers-color-scheme: dark" in drawn


def test_points_lie_where_the_grid_says() -> None:
    tree = ElementTree.fromstring(
        drawing.chart(
            "A", Axis("N", log=True, low=10, high=1000), Axis("ms", low=0, high=10), [Line("a", [(10, 0), (1000, 10)])]
        )
    )
    low, high = tree.findall(f"{SVG}circle")
    assert (float(low.attrib["cx"]), float(low.attrib["cy"])) == (drawing.LEFT, drawing.HEIGHT - drawing.BOTTOM)
    assert (float(high.attrib["cx"]), float(high.attrib["cy"])) == (drawing.WIDTH - drawing.RIGHT, drawing.TOP)


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to draw: A"):
        drawing.chart("A", Axis("N"), Axis("ms"), [Line("a", [])])


def test_growth_is_fitted_and_says_where_one_machine_ends() -> None:
    found = growth.fits([run(10_000, 1.0), run(100_000, 10.0)])
    assert found["query"].exponent == pytest.approx(1.0)
    assert found["query"].at(1_000_000) == pytest.approx(200.0)
    ends = growth.ends(found, cores=2, memory=16 * 2**30)
    assert ends[0].number == pytest.approx(500_000, rel=0.01)
    assert "questions a second" in ends[0].limit
    assert growth.fit([(10, 1.0)]) is None


def test_targets_hold_or_miss_by_a_factor() -> None:
    found = {one.name: one for one in targets.of_vectors([run(10_000, 1.0), run(50_000, 10.0)])}
    assert found["50k: CPU of a question / faiss, recall >= 0.98"].value == pytest.approx(5.0)
    assert found["50k: CPU of a question / faiss, recall >= 0.98"].verdict == "holds"
    assert found["50k: recall@10 of the worst filter (1 % bucket)"].verdict == "misses by 1.08 x"
    assert found["50k: worst filter (10 % bucket) / no filter, CPU"].value == pytest.approx(1.5)
    assert found["CPU of a question / chroma, recall >= 0.98"].verdict == "not measured: failed: no wheel <here>"
    assert found["CPU of a question / qdrant, recall >= 0.98"].verdict == "not measured: not asked"


def test_a_report_says_what_is_missing() -> None:
    lines = "\n".join(reporting.size(run(10_000, 1.0)))
    assert "failed: no wheel <here>" in lines
    assert "faiss 1" in lines


def test_page_and_charts_are_written_from_results(tmp_path: Path) -> None:
    runs = [run(10_000, 1.0), run(50_000, 10.0)]
    machine = {"processor": "A", "cores": 2, "memory_gb": 16, "load": 9.0, "load_after": 1.0, "at": "2026-01-01T00:00"}
    reached = [one.figures for one in targets.of_vectors(runs)]
    (tmp_path / "vectors.json").write_text(json.dumps({"machine": machine, "runs": runs, "targets": reached}))
    written = charts.render(tmp_path, tmp_path / "docs")
    assert [path.name for path in written] == ["benchmarks.md", "recall.svg", "growth.svg", "filters.svg"]
    page = written[0].read_text()
    assert "![Growth](charts/growth.svg)" in page
    assert "Others used the machine" in page
    assert "misses by 1.08 x" in page
    for path in written[1:]:
        ElementTree.fromstring(path.read_text())


def test_searches_over_http_have_a_page_of_their_own(tmp_path: Path) -> None:
    machine = {"processor": "A", "cores": 2, "memory_gb": 16, "load": 0.0, "load_after": 1.0, "at": "2026-01-01T00:00"}
    page = {"web": 1.5, "database": 2.5, "p50": 4.0, "p95": 8.0, "rate": 100.0}
    run = {"count": 10_000, "pages": {"1": page}, "api": page, "raw": page, "filtered": {"One percent": page}}
    run["restart"] = {"first_ms": 30.0, "warm_ms": 3.0}
    (tmp_path / "searching.json").write_text(json.dumps({"machine": machine, "runs": [run], "targets": []}))
    way = {"asked": 10, "wall_p50": 200, "wall_p95": 400, "wall_max": 450, "over": 0, "refused": 2, "cut": 1}
    http = {"page": {"asked": 80, "p50": 100, "p95": 300, "max": 400, "over": 0, "failed": 1}}
    worst = {"machine": machine, "items": 200_000, "ways": {"page 1": way, "all": way}, "http": http}
    (tmp_path / "worst.json").write_text(json.dumps(worst))
    written = charts.render(tmp_path, tmp_path / "docs")
    assert [path.name for path in written] == ["benchmarks-pages.md"]
    text = written[0].read_text()
    assert "| API, in the collection One percent | 1.50 | 2.50 | 4.00 | 8.00 | 100.00 |" in text
    assert "First search after a restart 30 ms, warm 3.0 ms." in text
    assert "| page 1 | 10 | 200 | 400 | 450 | 0 | | 2 | 1 |" in text
    assert "| all | 10 | 200 | 400 | 450 | 0 | | 2 |  |" in text
    assert "| over HTTP: page | 80 | 100 | 300 | 400 | 0 | 1 | | |" in text


def test_without_results_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make bench"):
        charts.render(tmp_path, tmp_path)
