"""Whose token opens what."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, User
from searchsite.library.models import Collection
from tests.api.conftest import ITEMS, SEARCH, note, upload

pytestmark = pytest.mark.django_db

JSON = "application/json"
READS = ["/items", f"/items/{uuid.UUID(int=1)}", "/search?q=a", "/collections", "/jobs", "/spaces", "/usage"]


@pytest.mark.parametrize("path", READS)
def test_nothing_opens_without_a_token(db, path) -> None:
    for client in (
        Client(),
        Client(headers={"authorization": "Bearer ss_wrong"}),
        Client(headers={"authorization": "Basic YTpi"}),
        Client(headers={"authorization": "Bearer"}),
    ):
        response = client.get(f"/api/v1{path}")
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response.json()["code"] == "unauthorised"


def test_a_session_is_not_a_token(alice, garden) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(ITEMS).status_code == 401


@pytest.mark.parametrize("path", ["/jobs", "/collections", "/spaces", "/items", "/search?q=rose"])
def test_a_reader_reads(caller, path) -> None:
    assert caller("vera", "read").get(f"/api/v1{path}").status_code == 200


def test_a_token_without_write_changes_nothing(caller) -> None:
    item, reader = note(caller("alice")), caller("alice", "read")
    answers = [
        reader.post(ITEMS, {"text": "a"}, content_type=JSON),
        reader.patch(f"{ITEMS}/{item['id']}", {"title": "b"}, content_type=JSON),
        reader.delete(f"{ITEMS}/{item['id']}"),
        reader.post("/api/v1/collections", {"name": "c"}, content_type=JSON),
    ]
    assert [one.status_code for one in answers] == [403] * 4
    assert {one.json()["code"] for one in answers} == {"scope-missing"}


def test_a_token_without_read_reads_nothing(caller) -> None:
    assert caller("alice", "write").get(ITEMS).status_code == 403


def test_a_viewer_changes_nothing(caller) -> None:
    item, viewer = note(caller("alice")), caller("vera")
    answers = [
        viewer.post(ITEMS, {"text": "a"}, content_type=JSON),
        viewer.post(ITEMS, {"file": upload()}),
        viewer.post(ITEMS, {"text": "a", "collection": item["collection"]}, content_type=JSON),
        viewer.patch(f"{ITEMS}/{item['id']}", {"title": "b"}, content_type=JSON),
        viewer.delete(f"{ITEMS}/{item['id']}"),
        viewer.post("/api/v1/collections", {"name": "c"}, content_type=JSON),
    ]
    assert [one.status_code for one in answers] == [403] * 6
    assert viewer.get(f"{ITEMS}/{item['id']}").status_code == 200


def test_another_teams_item_is_as_if_missing(caller) -> None:
    item, stranger = note(caller("alice")), caller("charlie")
    both = f"{ITEMS}/{item['id']}", f"{ITEMS}/{uuid.uuid4()}"
    for answers in (
        [stranger.get(one) for one in both],
        [stranger.patch(one, {"title": "x"}, content_type=JSON) for one in both],
        [stranger.delete(one) for one in both],
    ):
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert caller("alice").get(f"{ITEMS}/{item['id']}").json()["title"] == item["title"]


def test_another_teams_ids_are_missing_wherever_they_are_named(caller) -> None:
    item, stranger = note(caller("alice")), caller("charlie")
    mine = note(stranger)
    names: list[Callable[..., Any]] = [
        lambda one: stranger.get(f"{ITEMS}?collection={one['collection']}"),
        lambda one: stranger.get(f"{SEARCH}?collection={one['collection']}&q=rose"),
        lambda one: stranger.get(f"{SEARCH}?like={one['id']}"),
        lambda one: stranger.post(SEARCH, {"query": [{"item": one["id"]}]}, content_type=JSON),
        lambda one: stranger.post(ITEMS, {"text": "a", "collection": one["collection"]}, content_type=JSON),
        lambda one: stranger.patch(f"{ITEMS}/{mine['id']}", {"collection": one["collection"]}, content_type=JSON),
    ]
    for name in names:
        theirs, missing = name(item), name({"id": uuid.uuid4(), "collection": uuid.uuid4()})
        assert (theirs.status_code, missing.status_code) == (404, 404)
        assert theirs.content == missing.content


def test_a_private_collection_is_its_makers_own(caller, garden, alice) -> None:
    place = Collection.objects.create(team=garden, name="Diary", visibility="private", created_by=alice)
    item, bob = note(caller("alice"), collection=str(place.public_id)), caller("bob")
    assert bob.get(f"{ITEMS}/{item['id']}").status_code == 404
    assert "Diary" not in [one["name"] for one in bob.get("/api/v1/collections").json()["collections"]]


def test_a_token_ends_with_the_membership_and_with_the_account(caller, garden) -> None:
    bob, vera = caller("bob"), caller("vera")
    teams.remove_member(Membership.objects.get(team=garden, user__username="bob"))
    User.objects.filter(username="vera").update(is_active=False)
    assert (bob.get(ITEMS).status_code, vera.get(ITEMS).status_code) == (401, 401)


@pytest.mark.parametrize("path", ["/api/", "/api/v1", "/api/v1/", "/api/v2/items", "/api/v1/items/", "/api/v1/items/7"])
def test_an_unknown_address_is_a_problem(db, path) -> None:
    for response in (Client().get(path), Client(enforce_csrf_checks=True).post(path, {})):
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize("method", ["put", "delete", "options", "trace", "head"])
def test_a_method_that_is_not_offered_is_a_problem(api, method) -> None:
    response = getattr(api, method)(SEARCH)
    assert response.status_code == 405
    assert response["Content-Type"] == "application/problem+json"
    assert "GET" in response["Allow"]


def test_no_other_site_is_let_in(api) -> None:
    response = api.get(ITEMS, headers={"origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response
