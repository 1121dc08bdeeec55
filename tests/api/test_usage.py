"""Usage by the API: sums, rights and budgets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from searchsite.accounts import meter
from searchsite.accounts.models import Team, Usage, User
from searchsite.inference.types import Usage as Used

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_used")]
USAGE = "/api/v1/usage"


def spend(team: Team | None, dollars: float | None = 0.5, **more) -> None:
    fields = {"operation": "embed", "embedder": "small", "calls": 1, "inputs": 3, "tokens": 20, "seconds": 0.5}
    with meter.paying([team.pk if team else None]):
        meter.record(Used(**fields | {"cost": dollars, "provider": "there"} | more))


def test_usage_is_summed_by_day(api, garden) -> None:
    for _ in range(2):
        spend(garden)
    answer = api.get(USAGE).json()
    (row,) = answer["usage"]
    assert (row["operation"], row["calls"], row["inputs"], row["tokens"], row["cost"]) == ("embed", 2, 6, 40, 1.0)
    assert (row["team"], row["team_name"], answer["groups"]) == (str(garden.public_id), "garden", [])
    assert answer["total"]["cost"] == 1.0 and answer["prices_date"] == "2026-11-01"


def test_usage_is_for_admins_and_of_their_team(caller, garden, den) -> None:
    spend(garden)
    assert [caller(name).get(USAGE).status_code for name in ("vera", "bob", "alice")] == [403, 403, 200]
    assert caller("charlie").get(USAGE).json()["usage"] == []
    for address in (f"{USAGE}?team={garden.public_id}", f"{USAGE}?team=00000000-0000-4000-8000-000000000000"):
        assert caller("charlie").get(address).status_code == 404


def test_who_leads_the_server_sees_all_teams_or_one(caller, garden, den) -> None:
    spend(garden)
    spend(den, 2)
    spend(None, 4)
    User.objects.filter(username="bob").update(is_superuser=True)
    bob = caller("bob")
    groups = bob.get(f"{USAGE}?by=team").json()["groups"]
    assert [(one["key"], one["cost"]) for one in groups] == [("", 4.0), ("den", 2.0), ("garden", 0.5)]
    assert bob.get(f"{USAGE}?team={den.public_id}").json()["total"]["cost"] == 2.0


def test_sums_by_network_operation_and_day(api, garden) -> None:
    spend(garden, 1)
    spend(garden, 3, embedder="large")
    spend(garden, None, operation="caption")
    found = {by: api.get(f"{USAGE}?by={by}").json()["groups"] for by in ("network", "operation", "day")}
    assert [(one["key"], one["detail"], one["cost"]) for one in found["network"]] == [
        ("large", "there", 3.0),
        ("small", "there", 1.0),
    ]
    assert [(one["key"], one["cost"], one["unpriced"]) for one in found["operation"]] == [
        ("embed", 4.0, 0),
        ("caption", None, 3),
    ]
    assert [one["cost"] for one in found["day"]] == [4.0]


def test_days_are_chosen(api, garden) -> None:
    spend(garden)
    yesterday = timezone.now().date() - timedelta(days=1)
    Usage.objects.update(day=yesterday)
    assert len(api.get(f"{USAGE}?from={yesterday}&to={yesterday}").json()["usage"]) == 1
    assert api.get(f"{USAGE}?to={yesterday - timedelta(days=1)}").json()["usage"] == []


@pytest.mark.parametrize(
    "query", ["from=x", "by=colour", "team=x", "from=2026-02-01&to=2026-01-01", "from=0001-01-01", "to=0001-01-01&by="]
)
def test_what_cannot_be_is_refused_in_words(api, query) -> None:
    answer = api.get(f"{USAGE}?{query}")
    assert answer.status_code == 422 and answer.json()["detail"]


def test_a_day_before_all_days_breaks_nothing(api) -> None:
    assert api.get(f"{USAGE}?to=0001-01-01").status_code == 200


def test_an_unknown_price_is_null_and_named(api, garden) -> None:
    spend(garden, None)
    answer = api.get(USAGE).json()
    assert (answer["total"]["cost"], answer["total"]["unpriced"]) == (None, 3)
    assert answer["notes"][0].startswith("No price is known of small:")


def test_near_a_budget_there_is_a_note(api, garden) -> None:
    Team.objects.filter(pk=garden.pk).update(budget_month=5)
    spend(garden, 4)
    answer = api.get(USAGE).json()
    own, of_all = (
        {one["of"]: one for one in answer["budgets"]}["team"],
        [b for b in answer["budgets"] if b["of"] == "all"],
    )
    assert (own["limit"], own["spent"], own["is_near"], own["is_spent"], of_all) == (5.0, 4.0, True, False, [])
    assert answer["notes"][0].startswith("$4.00 of the $5.00 that the team garden may spend")
