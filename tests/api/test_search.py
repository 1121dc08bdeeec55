"""Search through the API. What is found how well is the search room's matter; here the words of a text suffice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import SEARCH, note, picture, upload

pytestmark = pytest.mark.django_db

JSON = "application/json"
PICTURES = "/api/v1/pictures"


def ask(api: Any, **body: Any) -> Any:
    return api.post(SEARCH, body, content_type=JSON)


def test_words_find_a_text(api) -> None:
    rose, _ = note(api, "The roses want water.", title="Garden"), note(api, "Buy bread.")
    found = api.get(SEARCH, {"q": "roses"}).json()
    hit = found["hits"][0]
    assert hit["item"]["id"] == rose["id"]
    assert hit["item"].keys() >= {"id", "kind", "title", "caption", "thumbnail_url"}
    assert hit.keys() >= {"item", "score", "band", "part", "why", "duplicates"}
    assert hit["part"]["text"] == "The roses want water."
    assert hit["why"][0].keys() == {"channel", "rank", "similarity", "share", "part", "words"}
    assert found.keys() >= {
        "hits",
        "next_cursor",
        "total_estimate",
        "took_ms",
        "space",
        "notes",
        "spelling",
        "facets",
        "weak",
    }


def test_each_hit_says_what_of_it_was_found_and_which_words_stand_there(api) -> None:
    rose = note(api, "Roses want water. So does a rosé rose.", title="Café notes")
    note(api, "Buy bread.", title="Roses")
    by_id = {hit["item"]["id"]: hit for hit in api.get(SEARCH, {"q": "the roses of cafés"}).json()["hits"]}
    (words,) = [one for one in by_id.pop(rose["id"])["why"] if one["channel"] == "words"]
    assert sorted(words["words"]) == ["Café", "Roses", "rose"]
    assert words["share"] == 1.0 and words["similarity"] is None
    (titled,) = [one for hit in by_id.values() for one in hit["why"] if one["channel"] == "words"]
    assert titled["part"] is None and titled["words"] == ["Roses"] and 0 < titled["share"] < 1


def test_a_reason_names_its_part_and_says_its_text_once(api) -> None:
    note(api, "The roses want water.", title="Garden")
    (hit,) = api.get(SEARCH, {"q": "roses"}).json()["hits"]
    (why,) = hit["why"]
    assert why["part"] == {"id": hit["part"]["id"], "role": "content", "text": None}


def test_both_ways_of_asking_find_the_same(api) -> None:
    note(api, "The roses want water.")
    asked, posted = api.get(SEARCH, {"q": "roses"}).json(), ask(api, query=[{"text": "roses"}]).json()
    assert asked["hits"] == posted["hits"]


def test_without_a_question_it_shows_the_newest_in_pages(api) -> None:
    ids = [note(api, f"note {number}")["id"] for number in range(3)]
    first = api.get(SEARCH, {"limit": 2}).json()
    second = ask(api, limit=2, cursor=first["next_cursor"]).json()
    assert [hit["item"]["id"] for hit in first["hits"] + second["hits"]] == ids[::-1]
    assert second["next_cursor"] is None


def test_filters_narrow(api) -> None:
    text = note(api)
    api.post("/api/v1/items", {"file": upload()})
    by_kind = ask(api, filters={"kind": "text", "by": "alice"}).json()
    assert [hit["item"]["id"] for hit in by_kind["hits"]] == [text["id"]]
    assert ask(api, filters={"collection": [text["collection"]], "after": "2999-01-01"}).json()["hits"] == []


def test_facets_are_counted_where_they_are_wanted(api) -> None:
    note(api)
    assert ask(api).json()["facets"] is None
    facets = ask(api, facets=True).json()["facets"]
    assert facets["kind"] == {"values": [{"value": "text", "label": "Text", "count": 1}], "capped": False}
    assert facets.keys() == {"kind", "collection", "tag", "by", "month"}
    assert api.get(SEARCH, {"facets": ["by", "kind"]}).json()["facets"].keys() == {"by", "kind"}
    assert api.get(SEARCH, {"facets": "colour"}).status_code == 400 == ask(api, facets=["colour"]).status_code


def test_labels_are_stored_names_and_notes_speak_the_callers_language(api) -> None:
    note(api)
    api.post("/api/v1/items", {"file": upload()})
    german = {"facets": True}
    found = api.post(SEARCH, german, content_type="application/json", headers={"Accept-Language": "de"}).json()
    labels = {name: [one["label"] for one in facet["values"]] for name, facet in found["facets"].items()}
    assert (labels["kind"], labels["collection"]) == (["Image", "Text"], ["Inbox"])
    german = {"query": [{"text": "rose"}], "rerank": True}
    found = api.post(SEARCH, german, content_type="application/json", headers={"Accept-Language": "de"}).json()
    assert any("Es ist kein Reranker" in one for one in found["notes"]), found["notes"]


def test_what_is_not_offered_is_said(api) -> None:
    notes = ask(api, query=[{"text": "rose"}], rerank=True).json()["notes"]
    assert any("reranker" in one for one in notes)


def test_a_part_of_a_picture_is_searched_by(api) -> None:
    picture_id = api.post(PICTURES, {"file": upload()}).json()["id"]
    region = {"x": 0, "y": 0, "width": 0.5, "height": 0.5}
    assert ask(api, query=[{"picture": picture_id, "region": region}]).status_code == 200
    assert api.get(SEARCH, {"picture": f"{picture_id}~0-0-500-500"}).status_code == 200
    for wrong in ({"text": "rose", "region": region}, {"picture": picture_id, "region": region | {"width": 0.001}}):
        assert ask(api, query=[wrong]).status_code == 400
    for wrong in ("~", "~1-2-3", "~0-0-0-0", "~999-0-1-5", "~a-b-c-d", "~0-0-500-500~"):
        assert api.get(SEARCH, {"picture": f"{picture_id}{wrong}"}).status_code == 400


@pytest.mark.parametrize(
    "word", ["' OR 1=1--", "'; select pg_sleep(5)--", "%27", "\\", "$$", "%" * 1500, "(a+)+$", "_"]
)
def test_a_strange_question_is_just_a_question(api, word) -> None:
    note(api)
    for response in (api.get(SEARCH, {"q": word, "tag": word, "by": word}), ask(api, query=[{"text": word}])):
        assert response.status_code == 200, response.content


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=", 200),
        ("q=%20%20", 200),
        ("q=a", 200),
        ("q=the", 200),
        ("q=%F0%9F%98%80", 200),
        ("q=" + "x" * 2001, 400),
        ("q=a%00b", 200),
        ("by=%00", 400),
        ("q=%FF", 200),
        ("limit=0", 400),
        ("limit=101", 400),
        ("limit=many", 400),
        ("sort=random", 400),
        ("mode=magic", 400),
        ("kind=film", 400),
        ("after=soon", 400),
        ("cursor=AAAA", 400),
        ("cursor=%27%20OR%201=1--", 400),
        ("like=1", 404),
        ("collection=1", 404),
        ("picture=00000000-0000-0000-0000-000000000000", 404),
    ],
)
def test_each_bad_address_has_its_answer(api, query, status) -> None:
    response = api.get(f"{SEARCH}?{query}")
    assert response.status_code == status, response.content
    assert status == 200 or response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": [{}]}, 400),
        ({"query": [{"text": "a", "item": "00000000-0000-0000-0000-000000000000"}]}, 400),
        ({"query": [{"text": "a", "weight": 0}]}, 400),
        ({"query": [{"text": "a\0b"}]}, 422),
        ({"query": [{"text": "x" * 2001}]}, 400),
        ({"query": [{"item": "7"}]}, 422),
        ({"query": [{"text": "a", "weight": "heavy"}]}, 422),
        ({"query": [{"text": "a"}] * 17}, 422),
        ({"query": "a"}, 422),
        ({"filters": {"kind": "film"}}, 422),
        ({"filters": {"after": "soon"}}, 422),
        ({"filters": {"item_id": 1}}, 422),
        ({"limit": 0}, 422),
        ({"q": "a"}, 422),
        ({"cursor": "AAAA"}, 400),
    ],
)
def test_each_bad_body_has_its_answer(api, body, status) -> None:
    response = ask(api, **body)
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "1e999", "-1e400"])
def test_a_weight_is_a_number(api, weight) -> None:
    body = json.dumps({"query": [{"text": "a", "weight": 0}]}).replace("0}", f"{weight}}}")
    assert api.post(SEARCH, body, content_type=JSON).status_code in (400, 422)


def test_a_picture_to_search_by_is_not_an_item(caller) -> None:
    vera = caller("vera", "read")
    response = vera.post(PICTURES, {"file": upload()})
    assert response.status_code == 201, response.content
    assert vera.get("/api/v1/items").json()["items"] == []
    assert ask(vera, query=[{"picture": response.json()["id"]}]).status_code == 200


def test_a_picture_to_search_by_is_its_owners_alone(caller) -> None:
    picture_id = caller("alice").post(PICTURES, {"file": upload()}).json()["id"]
    for other in ("bob", "charlie"):
        assert ask(caller(other), query=[{"picture": picture_id}]).status_code == 404


@pytest.mark.parametrize("data", [b"", b"words", picture()[:40], b"GIF89a", b"<svg onload='alert(1)'/>"])
def test_what_is_no_picture_cannot_be_searched_by(api, data) -> None:
    response = api.post(PICTURES, {"file": upload(data)})
    assert response.status_code in (413, 415, 422), response.content
    assert response["Content-Type"] == "application/problem+json"


def test_a_picture_can_be_what_is_not_wanted(api, caller) -> None:
    kept = api.post(PICTURES, {"file": upload()}).json()["id"]
    asked = api.get(SEARCH, {"q": "roses", "unpicture": kept})
    assert asked.status_code == 200
    assert ask(api, query=[{"text": "roses"}, {"picture": kept, "weight": -1}]).json()["hits"] == asked.json()["hits"]
    assert caller("charlie").get(SEARCH, {"unpicture": kept}).status_code == 404


def test_words_are_completed_and_put_right(caller) -> None:
    alice, charlie = caller("alice"), caller("charlie")
    note(alice, title="Harbour wall")
    found = alice.get("/api/v1/suggest", {"q": "harb"}).json()["suggestions"]
    assert found == [{"kind": "title", "text": "Harbour wall", "query": "Harbour wall"}]
    assert charlie.get("/api/v1/suggest", {"q": "harb"}).json() == {"suggestions": []}
    assert ask(alice, query=[{"text": "harbuor"}]).json()["spelling"] == "harbour"
    assert ask(alice, query=[{"text": "harbour"}]).json()["spelling"] is None
    assert ask(charlie, query=[{"text": "harbuor"}]).json()["spelling"] is None
    assert alice.get("/api/v1/suggest").json() == {"suggestions": []}


def test_copies_are_named_and_fold_where_it_is_wanted(api) -> None:
    collection = api.post("/api/v1/collections", {"name": "Shed"}, content_type="application/json").json()["id"]
    ids = [
        api.post("/api/v1/items", {"file": upload(), "title": "leaf", **more}).json()["id"]
        for more in ({}, {"collection": collection})
    ]
    found = ask(api, query=[{"text": "leaf"}], mode="words").json()
    assert {hit["item"]["id"]: hit["duplicates"] for hit in found["hits"]} == {ids[0]: [ids[1]], ids[1]: [ids[0]]}
    found = ask(api, query=[{"text": "leaf"}], mode="words", fold=True).json()
    assert len(found["hits"]) == 1 and len(found["hits"][0]["duplicates"]) == 1 and found["total_estimate"] == 2
    assert len(api.get(SEARCH, {"q": "leaf", "mode": "words", "fold": "true"}).json()["hits"]) == 1
    assert len(api.get(SEARCH, {"q": "leaf", "copies": ids[0]}).json()["hits"]) == 2
    assert api.get(SEARCH, {"q": "leaf", "copies": "1"}).status_code == 404
    assert api.get(SEARCH, {"q": "leaf", "fold": "maybe"}).status_code == 400
