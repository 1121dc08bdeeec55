"""The pace of a kind of job, and how long what waits takes at it."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from searchsite.jobs import pace
from searchsite.jobs.models import Job, State

pytestmark = pytest.mark.django_db


def finished(*seconds_ago: float) -> None:
    now = timezone.now()
    Job.objects.bulk_create(
        Job(
            kind="decode",
            queue="decode",
            team_id=1,
            subject=number,
            state=State.DONE,
            finished_at=now - timedelta(seconds=ago),
        )
        for number, ago in enumerate(seconds_ago)
    )


def waiting(number: int) -> None:
    Job.objects.bulk_create(Job(kind="decode", queue="decode", team_id=1, subject=10_000 + at) for at in range(number))


def standing() -> pace.Standing:
    return pace.standing(["decode"])["decode"]


def test_work_that_has_just_begun_is_as_fast_as_it_is() -> None:
    """Not thirty times slower, as a mean over five minutes would have it."""
    begun = time.monotonic()
    finished(*(at / 10 for at in range(100)))
    waiting(300)
    found = standing()
    # Where writing them down took a second, it is one of the eleven in which they were done.
    seconds = 10 + time.monotonic() - begun
    assert 0.9 * 6000 / seconds <= found.rate <= 660
    assert found.seconds_left == pytest.approx(300 * 60 / found.rate, rel=0.1)


def test_what_was_done_before_a_break_counts_for_nothing() -> None:
    finished(*(200 + at / 100 for at in range(50)), *(at for at in range(20)))
    assert standing().rate == pytest.approx(60, rel=0.1)


def test_steady_work_is_counted_over_five_minutes() -> None:
    finished(*(at * 2 for at in range(300)))
    assert standing().rate == pytest.approx(30, rel=0.05)


def test_slow_work_is_counted_over_minutes_without_any_too() -> None:
    finished(1, 130, 250)
    found = standing()
    assert found.rate == pytest.approx(3 / 5) and found.seconds_left is None


def test_a_single_burst_does_not_promise_the_moon() -> None:
    finished(*([0.01] * 40))
    assert standing().rate <= 40 * 60 / pace.LEAST


def test_long_after_it_there_is_the_mean_of_what_was() -> None:
    finished(*(400 + at for at in range(30)))
    assert standing().rate == pytest.approx(2)
    waiting(4)
    assert standing().seconds_left == pytest.approx(120)
