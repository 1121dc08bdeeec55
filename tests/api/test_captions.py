"""Captions and texts of pictures through the API: who said them, and a person's own."""

from __future__ import annotations

from typing import Any

import pytest

from searchsite.library import sayings, tags
from searchsite.library.models import Author, Item, PartRole
from searchsite.library.sayings import Saying, Voice
from tests.api.conftest import ITEMS, note, upload

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def item(api) -> Any:
    """A picture that a captioner has described."""
    made = api.post(ITEMS, {"file": upload()}).json()
    row = Item.objects.get(public_id=made["id"])
    sayings.write(row, PartRole.CAPTION, [Saying("A leaf in the sun.")], Voice(Author.CAPTIONER, "eyes"))
    sayings.write(row, PartRole.OCR, [Saying("Herbst")], Voice(Author.CAPTIONER, "eyes", "de"))
    tags.set_machine(row, ["leaf", "sun"])
    sayings.set_depicts(row, "photo")
    return api.get(f"{ITEMS}/{made['id']}").json()


def change(caller: Any, item: Any, **fields: Any) -> Any:
    return caller.patch(f"{ITEMS}/{item['id']}", fields, content_type=JSON)


def test_it_tells_what_was_said_and_by_whom(item) -> None:
    assert (item["caption"], item["caption_by"]) == ("A leaf in the sun.", {"author": "captioner", "network": "eyes"})
    assert (item["text"], item["language"]) == ("Herbst", "de")
    assert item["text_by"] == {"author": "captioner", "network": "eyes"}
    assert item["depicts"] == ["photo", "leaf", "sun"]


def test_a_listed_item_tells_the_same(api, item) -> None:
    assert api.get(ITEMS).json()["items"] == [item]


def test_an_editor_says_it_in_own_words(caller, item) -> None:
    answer = change(caller("bob"), item, caption="My leaf", text="").json()
    assert (answer["caption"], answer["caption_by"]) == ("My leaf", {"author": "person", "network": None})
    assert (answer["text"], answer["text_by"]) == (None, {"author": "person", "network": None})


def test_what_is_not_given_stays(api, item) -> None:
    answer = change(api, item, title="Autumn").json()
    assert (answer["caption"], answer["text"]) == (item["caption"], item["text"])


def test_what_is_sent_back_unchanged_stays_the_captioners(api, item) -> None:
    answer = change(api, item, caption=item["caption"], text=item["text"]).json()
    assert answer["caption_by"]["author"] == answer["text_by"]["author"] == "captioner"


@pytest.mark.parametrize(
    "fields", [{"caption": "x" * 2001}, {"text": "x" * 40_001}, {"caption": 3}, {"caption": ["a"]}]
)
def test_what_is_not_taken_changes_nothing(api, item, fields) -> None:
    assert change(api, item, title="Changed", **fields).status_code == 422
    assert api.get(f"{ITEMS}/{item['id']}").json() == item


def test_a_text_has_no_caption(api) -> None:
    answer = change(api, note(api), caption="Roses")
    assert (answer.status_code, answer.json()["code"]) == (422, "not-a-picture")


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("charlie", 404)])
def test_only_editors_write(caller, item, name, status) -> None:
    assert change(caller(name), item, caption="Mine now").status_code == status
    assert Item.objects.get(public_id=item["id"]).parts.get(role=PartRole.CAPTION).text == "A leaf in the sun."
