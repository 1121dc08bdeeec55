"""Graded figures against those of ir-measures, and how alike two lists are."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from searchsite.quality import scoring

TREC = Path(__file__).with_name("trec")


def test_figures_are_those_of_ir_measures():
    """trec/figures.json: ir-measures 0.4.3 (pytrec_eval-terrier 0.5.11) on the two files beside it.

    nDCG(gains={0: 0, 1: 1, 2: 3, 3: 7})@10, R@1, R@5, R@10 and RR@10, to six places.
    """
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    ranked: dict[str, list[str]] = defaultdict(list)
    for line in (TREC / "qrels.txt").read_text().splitlines():
        question, _, item, grade = line.split()
        grades[question][item] = int(grade)
    for line in (TREC / "run.txt").read_text().splitlines():
        ranked[line.split()[0]].append(line.split()[2])
    theirs = json.loads((TREC / "figures.json").read_text())
    assert len(theirs) == 12
    for question, figures in theirs.items():
        assert scoring.figures(ranked[question], grades[question]) == pytest.approx(figures, abs=1e-6)
    assert scoring.mean([dict.fromkeys(scoring.METRICS, 1.0), theirs["q0"]])["mrr"] == 0.5


def test_gains_are_those_worked_out_by_hand():
    found = scoring.figures(["a", "b", "c"], {"b": 3, "c": 1, "z": 1, "a": 0})
    best = 7 + 1 / 1.5849625 + 1 / 2
    assert found["ndcg@10"] == pytest.approx((7 / 1.5849625 + 1 / 2) / best)
    assert (found["recall@1"], found["recall@5"], found["mrr"]) == (0.0, pytest.approx(2 / 3), 0.5)


def test_where_nothing_is_an_answer_all_is_nothing():
    assert set(scoring.figures(["a"], {"a": 0}).values()) == {0.0}
    assert set(scoring.mean([]).values()) == {0.0}


def test_lists_are_as_alike_as_their_first_places():
    ten = list("abcdefghij")
    assert (scoring.overlap(ten, ten), scoring.rbo(ten, ten)) == (1.0, pytest.approx(1.0))
    assert (scoring.overlap(ten, list("klmnopqrst")), scoring.rbo(ten, list("klmnopqrst"))) == (0.0, 0.0)
    assert scoring.overlap(ten, ten[::-1]) == 1.0
    assert scoring.rbo(ten, [*ten[:9], "x"]) > scoring.rbo(ten, ["x", *ten[1:]])
    assert (scoring.overlap([], []), scoring.rbo([], []), scoring.overlap(["a"], [])) == (1.0, 1.0, 0.0)
    # Webber's RBO_EXT of these two to depth 3, by hand: agreements 0, 1, 1.
    assert scoring.rbo(list("abc"), list("bac")) == pytest.approx(0.9**3 + (0.1 / 0.9) * (0.9**2 + 0.9**3))
