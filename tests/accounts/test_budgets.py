"""Budgets: near them a warning, at them no more calls, and next month all anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection

from searchsite import config
from searchsite.accounts import budgets, meter, teams
from searchsite.accounts.models import Team, Usage, User
from searchsite.inference.types import Usage as Used

Set = Callable[..., None]


def spend(team: Team | None, dollars: float) -> None:
    with meter.paying([team.pk if team else None]):
        meter.record(Used("embed", "some", 1, 1, 10, 0.1, cost=dollars, provider="there"))


@pytest.fixture(autouse=True)
def configured(nothing_used, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    """Changes settings for this test, and has budgets read anew."""

    def put(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        config.load.cache_clear()
        budgets.forget()

    yield put
    monkeypatch.undo()
    config.load.cache_clear()


@pytest.fixture
def five(team: Team) -> Team:
    """A team with five dollars a month."""
    Team.objects.filter(pk=team.pk).update(budget_month=5)
    return team


def test_without_a_budget_nothing_is_ever_spent(team) -> None:
    spend(team, 5000)
    assert budgets.spent([team.pk]) is None
    assert [budget.warning for budget in budgets.standing([team.pk])] == ["", ""]


def test_a_spent_budget_says_whose_and_until_when(five) -> None:
    spend(five, 5)
    budget = budgets.spent([five.pk])
    assert budget is not None and budget.team_id == five.pk
    assert budget.sentence.startswith(
        f"The budget of the team garden for {budget.month:%B %Y} is spent; it renews on 1 "
    )


def test_near_its_end_there_is_a_warning(five) -> None:
    spend(five, 3.99)
    assert budgets.standing([five.pk])[0].warning == ""
    spend(five, 0.01)
    assert budgets.standing([five.pk])[0].warning.startswith("$4.00 of the $5.00 that the team garden may spend in ")
    assert budgets.spent([five.pk]) is None


def test_what_was_spent_last_month_does_not_count(five) -> None:
    spend(five, 7)
    Usage.objects.update(day=date(2026, 1, 31))
    budgets.forget()
    assert budgets.spent([five.pk]) is None


def test_a_budget_renews_at_the_end_of_the_month_in_utc() -> None:
    budget = budgets.Budget(1, "garden", Decimal(5), Decimal(5), date(2026, 12, 1))
    assert budget.sentence.endswith("for December 2026 is spent; it renews on 1 January 2027.")
    assert budget.seconds_left(datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC)) == 30
    assert budget.seconds_left(datetime(2026, 12, 3, tzinfo=UTC)) == budgets.LONGEST_WAIT


def test_another_team_goes_on(five, charlie: User) -> None:
    den = teams.create_team("den", charlie)
    spend(five, 5)
    assert budgets.spent([den.pk]) is None
    assert budgets.spent([den.pk, five.pk]).team_id == five.pk


def test_a_team_without_a_budget_of_its_own_has_the_settings(team, configured) -> None:
    configured(TEAM_BUDGET_MONTH="2")
    spend(team, 2)
    assert budgets.spent([team.pk]).limit == 2
    Team.objects.filter(pk=team.pk).update(budget_month=3)
    assert budgets.spent([team.pk]) is None


def test_the_budget_of_all_holds_for_every_team(team, configured) -> None:
    configured(BUDGET_MONTH="1")
    spend(None, 0.6)
    spend(team, 0.4)
    assert budgets.spent([]).sentence.startswith("The budget of all teams for ")
    assert budgets.spent([team.pk]).team_id is None


def test_a_budget_of_nothing_is_spent_from_the_start(team) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    assert budgets.spent([team.pk]) is not None


def test_a_higher_budget_counts_at_once_when_the_old_one_was_spent(five) -> None:
    spend(five, 5)
    assert budgets.spent([five.pk])
    Team.objects.filter(pk=five.pk).update(budget_month=50)
    assert budgets.spent([five.pk]) is None


def test_far_from_its_end_a_budget_is_not_read_at_each_call(five, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        for _ in range(20):
            budgets.spent([five.pk])


def test_own_spending_counts_between_two_readings(five) -> None:
    budgets.spent([five.pk])
    spend(five, 5)
    assert budgets.spent([five.pk])


@pytest.mark.django_db(transaction=True)
def test_eight_threads_overspend_by_no_more_than_their_calls_in_flight() -> None:
    team = teams.create_team("many", User.objects.create_user("many"))
    Team.objects.filter(pk=team.pk).update(budget_month=5)
    start, refused = threading.Barrier(8), []

    def work() -> None:
        start.wait()
        for _ in range(20):
            if budgets.spent([team.pk]):
                refused.append(1)
                break
            time.sleep(0.005)
            spend(team, 0.1)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Decimal(5) <= Usage.objects.get().cost <= Decimal("5.7")
    assert len(refused) == 8
