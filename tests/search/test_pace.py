"""The time that a question has: one for all its statements."""

from __future__ import annotations

import pytest

from searchsite.search import pace
from searchsite.search.pace import Budget


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved, on a machine that is not busy."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(pace, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(pace, "stretch", lambda: 1.0)
    return Clock


def test_what_a_statement_leaves_is_for_the_next(clock):
    budget = Budget(0.3)
    clock.now += 0.1
    assert (budget.left, budget.milliseconds) == (pytest.approx(0.2), "200")


def test_who_comes_late_gets_a_little_until_nothing_is_spare(clock):
    budget = Budget(0.3)
    clock.now += 0.31
    assert (budget.left, budget.milliseconds) == (0.0, str(round(1000 * pace.LEAST)))
    clock.now += pace.SPARE - 0.02
    assert budget.milliseconds == "10"
    clock.now += 1
    assert budget.milliseconds == "1"


def test_a_part_takes_no_more_than_the_whole_has(clock):
    budget = Budget(0.3)
    assert Budget(0.2, budget).left == pytest.approx(0.2)
    clock.now += 0.25
    late = Budget(0.2, budget)
    assert (late.left, late.end) == (pytest.approx(0.05), budget.end)


def test_several_share_what_is_left(clock):
    budget = Budget(0.3)
    assert budget.share(3).left == pytest.approx(0.1)
    clock.now += 0.2
    assert budget.share(2).left == pytest.approx(0.05)


def test_waiting_for_somebody_else_costs_no_time(clock):
    budget = Budget(0.3)
    part = budget.share(1)
    with part.paused():
        clock.now += 5
    assert part.left == budget.left == pytest.approx(0.3)


def test_a_busy_machine_or_a_large_library_gives_more(clock, monkeypatch):
    monkeypatch.setattr(pace, "stretch", lambda: 4.0)
    budget = Budget(0.3)
    assert budget.left == pytest.approx(1.2)
    assert budget.share(2).left == pytest.approx(0.6)
