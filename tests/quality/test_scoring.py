"""Figures against those worked out by hand."""

from __future__ import annotations

import pytest

from searchsite.quality.scoring import bootstrap, difference, score, wilson


def test_recall_and_reciprocal_rank_are_those_worked_out_by_hand():
    found = score([1, 2, None, 6, 11])
    assert found.number == 5
    assert found.recall == {1: 0.2, 5: 0.4, 10: 0.6}
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 6) / 5)


def test_an_interval_of_a_share_is_wilsons():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_an_interval_of_a_mean_is_the_same_each_time_and_holds_the_mean():
    values = [1.0, 0.5, 0.0, 0.25] * 25
    low, high = bootstrap(values)
    assert (low, high) == bootstrap(values)
    assert low < 0.4375 < high < 0.53


def test_a_difference_is_of_the_same_questions():
    assert difference([1, 2, None], [2, 2, None])[0] == pytest.approx(0.5 / 3)
    assert difference([1] * 30, [1] * 30) == (0.0, (0.0, 0.0))


def test_nothing_asked_scores_nothing():
    found = score([])
    assert (found.number, found.mrr, found.recall_within[1]) == (0, 0.0, (0.0, 1.0))
