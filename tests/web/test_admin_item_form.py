"""One item in the admin: changed by the same verbs as on its page, with its stages and its history."""

from __future__ import annotations

import pytest
from django.urls import reverse

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Job
from searchsite.library import collections, edits, tags, trash
from searchsite.library.models import Item, Part
from searchsite.library.scope import scope_for
from tests import made
from tests.web import admins
from tests.web.admins import kept, who
from tests.web.conftest import media

__all__ = ["media"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def garden(db) -> Team:
    return admins.garden()


@pytest.fixture
def rose(garden) -> Item:
    return kept(garden, "alice", "Rose")


@pytest.fixture
def photo(garden) -> Item:
    return made.picture(made.place(User.objects.get(username="alice"), garden), "red", "Sunset")


def address(item: Item, name: str = "change") -> str:
    return reverse(f"admin:library_item_{name}", args=[item.pk])


def said(item: Item, role: str) -> str:
    return "".join(Part.objects.filter(item=item, role=role).order_by("ordinal").values_list("text", flat=True))


def test_all_that_people_say_of_a_picture_is_changed_at_once(photo, garden) -> None:
    shelf = collections.create_collection(garden, "Shelf", maker=User.objects.get(username="alice"))
    sent = {"title": "Dawn", "kind": "screenshot", "collection": shelf.pk, "tags": "sea, Sky", "caption": "A dawn"}
    answer = who("bob").post(address(photo), {**sent, "text": "one\r\ntwo"})
    assert answer.status_code == 302
    photo.refresh_from_db()
    assert (photo.title, photo.kind, photo.kind_set_by, photo.collection) == ("Dawn", "screenshot", "person", shelf)
    assert (said(photo, "tags"), said(photo, "caption"), said(photo, "ocr")) == ("sea, sky", "A dawn", "one\ntwo")
    assert Part.objects.get(item=photo, role="caption").set_by == "person"


def test_what_is_saved_unchanged_is_nobodys_word(photo) -> None:
    tags.set_machine(photo, ["sea"])
    before = Job.objects.count()
    sent = {"title": "Sunset", "kind": photo.kind, "collection": photo.collection_id, "tags": "sea", "caption": ""}
    who("bob").post(address(photo), {**sent, "text": ""})
    photo.refresh_from_db()
    assert (photo.kind_set_by, photo.item_tags.get().source, Job.objects.count()) == ("rule", "machine", before)


def test_what_is_refused_keeps_what_was_typed_and_changes_nothing(photo) -> None:
    sent = {"title": "Dawn", "kind": photo.kind, "collection": photo.collection_id, "caption": "x" * 9000}
    page = who("bob").post(address(photo), {**sent, "tags": "sea", "text": ""}).content.decode()
    assert "A caption has at most" in page and "x" * 9000 in page and 'value="Dawn"' in page
    photo.refresh_from_db()
    assert photo.title == "Sunset" and not photo.item_tags.exists()


def test_an_item_is_always_in_a_collection(rose) -> None:
    sent = {"title": "Tulip", "collection": "", "tags": "", "text": "Rose text"}
    page = who("bob").post(address(rose), sent).content.decode()
    assert "This field is required." in page and 'value="Tulip"' in page
    rose.refresh_from_db()
    assert rose.title == "Rose" and rose.collection_id


def test_a_note_is_written_anew(rose) -> None:
    sent = {"title": "Rose", "collection": rose.collection_id, "tags": "", "text": "Thorns\r\n\r\nand leaves"}
    assert who("bob").post(address(rose), sent).status_code == 302
    assert said(rose, "content") == "Thorns\n\nand leaves"


def test_a_failed_stage_is_tried_again(rose) -> None:
    Job.objects.update(state="dead", last_error="The moon was full.")
    page = who("bob").get(address(rose)).content.decode()
    assert "The moon was full." in page and "Try again" in page
    answer = who("bob").post(address(rose, "retry"), {"stage": "embed"}, follow=True).content.decode()
    assert "“Meaning” will be tried again." in answer and Job.objects.get().state == "ready"
    again = who("bob").post(address(rose, "retry"), {"stage": "nonsense"}, follow=True).content.decode()
    assert "There is nothing to try again." in again


def test_an_item_goes_to_the_trash_and_back_by_its_buttons(rose) -> None:
    assert "30 days" in who("bob").post(address(rose, "trash"), follow=True).content.decode()
    page = who("bob").get(address(rose)).content.decode()
    assert "It is in the trash." in page and "Restore" in page and 'name="title"' not in page
    who("bob").post(address(rose, "restore"))
    rose.refresh_from_db()
    assert rose.trashed_at is None


def test_the_history_says_who_changed_what(rose) -> None:
    who("bob").post(
        address(rose), {"title": "Tulip", "collection": rose.collection_id, "tags": "", "text": "Rose text"}
    )
    page = who("alice").get(address(rose, "history")).content.decode()
    assert "bob" in page and "Changed Title." in page


VISITORS = ("root", "alice", "bob", "vera", "charlie", "dan")
# Who may: see the form, change it, press its buttons, see its picture.
RIGHTS = {
    "root": (200, 302, 302, 404),
    "alice": (200, 302, 302, 404),
    "bob": (200, 302, 302, 404),
    "vera": (200, 403, 403, 404),
    "charlie": (302, 302, 404, 404),
    "dan": (302, 302, 302, 302),
}


@pytest.mark.parametrize("name", VISITORS)
def test_who_may_what_with_an_item(name, rose) -> None:
    admins.burrow()
    User.objects.create_superuser("root")
    client = who(name)
    form = {"title": "Mine", "collection": rose.collection_id, "tags": "", "text": "Rose text"}
    found = (
        client.get(address(rose)).status_code,
        client.post(address(rose), form).status_code,
        client.post(address(rose, "trash")).status_code,
        client.get(f"/admin/library/item/{rose.pk}/thumbnail/480/").status_code,
    )
    assert found == RIGHTS[name]
    rose.refresh_from_db()
    mine = name in ("root", "alice", "bob")
    assert ((rose.title == "Mine"), (rose.trashed_at is not None)) == (mine, mine)


@pytest.mark.parametrize("name", ["bob", "charlie", "vera"])
def test_what_lies_in_the_trash_shows_to_those_who_may_restore_it(name, rose) -> None:
    admins.burrow()
    trash.trash(rose)
    page = who(name).get("/admin/library/item/?trash=1").content.decode()
    assert ("Rose" in page) == (name == "bob")
    assert "Rose" not in who(name).get("/admin/library/item/?q=rose").content.decode()


def test_a_private_item_is_not_found_by_others_words(garden) -> None:
    alice = User.objects.get(username="alice")
    diary = collections.create_collection(garden, "Diary", maker=alice, visibility="private")
    page = made.note(made.place(alice, garden, diary), "A walnut secret", "Page")
    edits.retag(page, ["walnut"], scope=scope_for(alice, garden))
    for query in ("q=walnut", "q=page", "q=age", f"in={diary.pk}", f"tag={page.item_tags.get().tag_id}"):
        assert "Page</a>" not in who("bob").get(f"/admin/library/item/?{query}").content.decode()
        assert "Page</a>" in who("alice").get(f"/admin/library/item/?{query}").content.decode()


def test_a_dropped_file_is_found_by_the_id_it_is_told_by(rose) -> None:
    admins.burrow()
    named = f"/admin/library/item/{rose.public_id}/"
    assert who("bob").get(named)["Location"] == address(rose)
    assert who("charlie").get(named).status_code == 404
