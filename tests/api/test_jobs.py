"""The queue by API: where it stands, and what operators may do about it in the token's team."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import User
from searchsite.jobs import pausing
from searchsite.jobs.models import Job, State
from searchsite.library.models import Collection
from tests.api.conftest import note

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/jobs"
JSON = "application/json"
LATELY = "2026-01-01T00:00:00Z"
VERBS = ("retry", "cancel", "missing", "pause", "resume")


def post(client, verb: str, **body):
    return client.post(f"{JOBS}/{verb}", body, content_type=JSON)


def stage(client, name: str = "embed"):
    return next(one for one in client.get(JOBS).json()["stages"] if one["stage"] == name)


@pytest.fixture
def operator(caller):
    """bob, who is of staff."""
    client = caller("bob")
    User.objects.filter(username="bob").update(is_staff=True)
    return client


@pytest.fixture
def failed(caller) -> None:
    """A note of the team and one of charlie's that have failed."""
    note(caller("alice"))
    note(caller("charlie"))
    ended = {"state": State.DEAD, "last_error": "Broken at byte 7.", "finished_at": "2026-01-01T00:00:00Z"}
    Job.objects.update(**ended)


def test_each_stage_says_where_it_stands(caller) -> None:
    alice = caller("alice")
    note(alice)
    found = stage(alice)
    assert (found["state"], found["waiting"], found["failed"], found["paused"]) == ("working", 1, 0, False)
    assert found["oldest_waiting_seconds"] >= 0 and found["seconds_left"] is None
    assert stage(alice, "caption")["configured"] is False
    assert stage(caller("charlie"))["waiting"] == 0


def test_failures_are_grouped_within_the_team(caller, failed) -> None:
    (group,) = caller("bob").get(JOBS).json()["failures"]
    assert (group["stage"], group["state"], group["reason"], group["jobs"]) == (
        "embed",
        "failed",
        "Broken at byte #.",
        1,
    )


def test_what_a_server_says_of_an_item_is_told_to_who_sees_it(caller) -> None:
    alice, vera = caller("alice"), caller("vera")
    note(alice)
    Job.objects.update(state=State.DEAD, last_error="a:1: cannot embed 'I love Mallory'", finished_at=LATELY)
    assert "Mallory" in alice.get(JOBS).json()["failures"][0]["reason"]
    Collection.objects.update(visibility="private", created_by=User.objects.get(username="alice"))
    (group,) = vera.get(JOBS).json()["failures"]
    assert group["reason"].startswith("sealed:") and group["jobs"] == 1
    assert "Mallory" in alice.get(JOBS).json()["failures"][0]["reason"]
    assert alice.get(JOBS).json()["failures"][0]["advice"]


def test_operators_alone_change_the_queue(caller, failed) -> None:
    for client in (caller("alice"), caller("vera"), caller("bob", "read")):
        assert {post(client, verb, stage="embed").status_code for verb in VERBS} == {403}


def test_operators_act_on_the_tokens_team(operator, failed) -> None:
    assert post(operator, "retry").json() == {"jobs": 1}
    assert post(operator, "cancel", stage="embed").json() == {"jobs": 1}
    assert sorted(Job.objects.values_list("state", flat=True)) == [State.CANCELLED, State.DEAD]
    assert post(operator, "retry", stage="embed", reason="Broken at byte #.").json() == {"jobs": 1}
    Job.objects.all().delete()
    assert post(operator, "missing", stage="embed").json() == {"jobs": 1}


def test_those_who_lead_the_server_pause_a_stage(operator, caller) -> None:
    assert post(operator, "pause", stage="embed").status_code == 403
    User.objects.filter(username="bob").update(is_superuser=True)
    assert post(operator, "pause", stage="embed", reason="too dear").status_code == 200
    found = stage(caller("alice"))
    assert (found["state"], found["paused_reason"]) == ("paused", "too dear")
    assert post(operator, "resume", stage="embed").status_code == 200
    assert pausing.paused() == set()


@pytest.mark.parametrize("body", [{"stage": "dance"}, {}, {"stage": "embed", "reason": "\0"}, {"stage": 1}, {"x": 1}])
def test_a_bad_stage_is_a_problem(operator, body) -> None:
    assert post(operator, "cancel", **body).status_code == 422


def test_a_reason_without_its_stage_is_a_problem(operator) -> None:
    assert post(operator, "retry", reason="x").status_code == 422
