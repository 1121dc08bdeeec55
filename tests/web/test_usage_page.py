"""The usage page: who sees what, what is known of the cost, and cells that no spreadsheet runs."""

from __future__ import annotations

import csv

import pytest
from django.test import Client

from searchsite import config
from searchsite.accounts import budgets, meter
from searchsite.accounts.models import Team, Usage, User
from searchsite.inference.types import Usage as Used
from tests.web.conftest import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_used")]


def spend(team: Team | None, dollars: float | None, network: str = "qwen/qwen3-vl-8b-instruct", **more) -> None:
    with meter.paying([team.pk if team else None]):
        meter.record(Used("caption", network, 1, 1, 1372, 0.5, 200, dollars, **{"provider": "openrouter.ai"} | more))


@pytest.fixture
def den(garden: Team) -> Team:
    return Team.objects.get(name="den")


@pytest.fixture
def root(signed_in) -> Client:
    """alice, who leads the house as well."""
    User.objects.filter(username="alice").update(is_superuser=True)
    return signed_in("alice")


@pytest.mark.parametrize("address", ["/usage", "/usage.csv"])
def test_a_member_who_does_not_lead_the_team_is_kept_out(signed_in, address) -> None:
    assert [signed_in(name).get(address).status_code for name in ("alice", "bob", "vera")] == [200, 403, 403]
    assert Client().get(address).status_code == 302


def test_who_leads_a_team_sees_its_usage_alone(alice, garden, den) -> None:
    spend(garden, 1.25)
    spend(den, 777.77)
    page = text(alice.get("/usage"))
    assert "$1.25" in page and "777.77" not in page and "Captions" in page
    for address in ("/usage", "/usage.csv"):
        assert alice.get(f"{address}?team={den.public_id}").status_code == 404
        assert alice.get(f"{address}?team=all").status_code == 404


def test_a_stranger_sees_a_team_of_their_own(charlie, garden) -> None:
    spend(garden, 1.25)
    assert "$1.25" not in text(charlie.get("/usage"))
    assert charlie.get(f"/usage?team={garden.public_id}").status_code == 404


def test_who_leads_the_house_sees_all_teams_and_switches(root, garden, den) -> None:
    spend(garden, 1)
    spend(den, 2)
    spend(None, 4)
    page = text(root.get("/usage"))
    assert "$7.00" in page and "By team" in page and "searchsite’s own checks, or a team that is gone" in page
    page = text(root.get(f"/usage?team={den.public_id}"))
    assert "$2.00" in page and "$7.00" not in page


@pytest.mark.parametrize("query", ["month=x", "month=2026-13", "month=9999-12", "month=0001-01", "team=x", "team=%00"])
def test_what_cannot_be_is_not_found(alice, root, query) -> None:
    assert root.get(f"/usage?{query}").status_code == 404


def test_an_unknown_price_is_named_and_never_shown_as_nothing(alice, garden) -> None:
    spend(garden, None, network="nobody/knows")
    page = text(alice.get("/usage"))
    assert "No price is known of:" in page and page.count("unknown") > 2 and "$0.00 + unknown" not in page


def test_last_month_has_its_own_page(alice, garden) -> None:
    spend(garden, 3)
    Usage.objects.update(day="2026-02-28")
    assert "$3.00" not in text(alice.get("/usage"))
    assert "$3.00" in text(alice.get("/usage?month=2026-02"))


def test_a_budget_below_a_cent_is_shown_whole(alice, garden, monkeypatch) -> None:
    monkeypatch.setenv("TEAM_BUDGET_MONTH", "0.00105")
    config.load.cache_clear()
    budgets.forget()
    try:
        spend(garden, 0.0009)
        page = text(alice.get("/usage"))
        assert "of $0.00105" in page and "$0.00090 of the $0.00105" in page
    finally:
        monkeypatch.undo()
        config.load.cache_clear()


def test_the_prices_stand_on_the_page_with_their_date(alice) -> None:
    page = text(alice.get("/usage"))
    assert "qwen/qwen3-vl-8b-instruct" in page and "$0.08" in page and "as of 1 November 2026" in page


def test_names_in_the_file_are_no_formulas(root, garden) -> None:
    Team.objects.filter(pk=garden.pk).update(name="=cmd|' /C calc'!A0")
    for first in "=+-@":
        spend(garden, 0.5, network=f"{first}1+1")
    answer = root.get("/usage.csv")
    cells = [cell for row in list(csv.reader(text(answer).splitlines()))[1:] for cell in row]
    assert len(cells) == 48 and not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]
    assert answer["Content-Disposition"].startswith('attachment; filename="usage-20') and "0.5000000000" in cells


def test_the_way_to_the_page_is_in_the_menu_of_those_who_may_see_it(signed_in) -> None:
    assert ['href="/usage"' in text(signed_in(name).get("/")) for name in ("alice", "bob", "vera")] == [
        True,
        False,
        False,
    ]


def test_near_its_budget_a_team_is_warned_and_only_its_leaders_are(signed_in, garden) -> None:
    Team.objects.filter(pk=garden.pk).update(budget_month=5)
    spend(garden, 4)
    assert "$4.00 of the $5.00 that the team garden may spend" in text(signed_in("alice").get("/"))
    assert "may spend" not in text(signed_in("bob").get("/"))
    assert "may spend" not in text(signed_in("charlie").get("/"))


def test_the_budget_of_all_shows_its_amounts_to_the_house_alone(root, signed_in, garden, monkeypatch) -> None:
    monkeypatch.setenv("BUDGET_MONTH", "10")
    config.load.cache_clear()
    spend(garden, 10)
    try:
        assert "$10.00" in text(root.get("/usage"))
        assert "The budget of all teams for" in text(root.get("/"))
        charlies = text(signed_in("charlie").get("/usage"))
        assert "The budget of all teams for" in charlies and "$10.00" not in charlies
    finally:
        monkeypatch.undo()
        config.load.cache_clear()


def test_the_page_of_an_item_says_that_it_waits_for_the_budget(alice, garden, note, monkeypatch) -> None:
    monkeypatch.setenv("INFERENCE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("EMBEDDER", "dear")
    monkeypatch.setenv("PRICES", '{"dear": {"input": 1}}')
    config.load.cache_clear()
    Team.objects.filter(pk=garden.pk).update(budget_month=0)
    try:
        page = text(alice.get(f"/items/{note.public_id}"))
        assert "Meaning: waiting. The budget of the team garden for" in page
    finally:
        monkeypatch.undo()
        config.load.cache_clear()
