"""Collections, jobs, spaces."""

from __future__ import annotations

import pytest

from searchsite.indexing import tables
from searchsite.indexing.models import Space
from tests.api.conftest import note, upload

pytestmark = pytest.mark.django_db

COLLECTIONS = "/api/v1/collections"
JSON = "application/json"


def test_a_team_begins_with_its_inbox(api) -> None:
    note(api)
    (inbox,) = api.get(COLLECTIONS).json()["collections"]
    assert (inbox["name"], inbox["purpose"], inbox["items"], inbox["may_edit"]) == ("Inbox", "inbox", 1, True)


def test_a_new_collection_takes_items(api) -> None:
    made = api.post(COLLECTIONS, {"name": "  Red   roses "}, content_type=JSON)
    assert (made.status_code, made.json()["name"], made.json()["visibility"]) == (201, "Red roses", "team")
    assert note(api, collection=made.json()["id"])["collection_name"] == "Red roses"


def test_a_private_collection_is_seen_by_its_maker_alone(caller) -> None:
    bob = caller("bob")
    made = bob.post(COLLECTIONS, {"name": "Diary", "visibility": "private"}, content_type=JSON)
    assert (made.status_code, made.json()["may_edit"]) == (201, True)
    names = [one["name"] for one in caller("alice").get(COLLECTIONS).json()["collections"]]
    assert names == ["Inbox"]


def test_a_name_is_taken_once_whatever_its_case(api) -> None:
    first, second = (api.post(COLLECTIONS, {"name": name}, content_type=JSON) for name in ("Roses", "ROSES"))
    assert (first.status_code, second.status_code) == (201, 409)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": " "}, {"name": "x" * 101}, {"name": "a", "visibility": "public"}, {"name": "\0"}],
)
def test_a_bad_collection_is_a_problem(api, body) -> None:
    response = api.post(COLLECTIONS, body, content_type=JSON)
    assert response.status_code == 422, response.content


def test_jobs_are_counted_by_stage_and_state_within_the_team(caller) -> None:
    caller("alice").post("/api/v1/items", {"file": upload()})
    counts = caller("bob").get("/api/v1/jobs").json()["counts"]
    assert counts["decode"] == {"waiting": 1, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
    assert caller("charlie").get("/api/v1/jobs").json()["counts"] == {}


def test_spaces_say_what_they_are(api) -> None:
    made = Space.objects.create(adapter="vllm", embedder="small", dimensions=8, status="active", notes=["A stand-in."])
    tables.create(made.pk, 8)
    answer = api.get("/api/v1/spaces").json()
    (space,) = answer["spaces"]
    assert (answer["configured"], answer["configured_answers"]) == ("builtin", False)
    assert (space["percent"], space["progress"]) == (100, None)
    assert (space["embedder"], space["dimensions"], space["status"]) == ("small", 8, "active")
    assert space["notes"] == ["A stand-in."]
