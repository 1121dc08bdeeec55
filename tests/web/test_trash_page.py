"""The trash page: what lies there, for how long, who brings it back, and who deletes it for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from searchsite.accounts.models import User
from searchsite.library import collections, files, trash
from searchsite.library.models import Item, Purpose
from searchsite.library.refusals import Refusal
from tests import made
from tests.library import drawn
from tests.library.conftest import stored, take
from tests.web.conftest import text

DAYS = timedelta(days=25, hours=1)


@pytest.fixture
def items(garden) -> list[Item]:
    """A picture and two notes, thrown away."""
    place = made.place(User.objects.get(username="alice"), garden)
    found = [
        take(drawn.jpeg(), place, "meadow.jpg").item,
        *(made.note(place, f"note {n}", f"Note {n}") for n in range(2)),
    ]
    for one in found:
        trash.trash(one)
    return found


def in_trash() -> int:
    return Item.objects.filter(trashed_at__isnull=False).count()


def test_it_says_what_lies_there_and_for_how_long(alice, items):
    Item.objects.filter(pk=items[1].pk).update(trashed_at=Now() - DAYS)
    page = text(alice.get("/trash"))
    assert "3 items" in page and "30 days left" in page and "5 days left" in page and "Inbox" in page
    assert page.index("Note 1") < page.index("meadow") < page.index("Note 0")
    assert 'href="/trash"' in text(alice.get("/"))


def test_an_empty_trash_says_so(alice):
    assert "The trash is empty" in text(alice.get("/trash"))


def test_one_the_selected_or_all_are_restored(alice, items):
    alice.post("/trash/restore", {"one": items[0].public_id, "id": items[1].public_id})
    assert in_trash() == 2
    alice.post("/trash/restore", {"id": [items[1].public_id]})
    assert in_trash() == 1
    page = alice.post("/trash/restore", {"all": "1", "until": timezone.now().isoformat()}, follow=True)
    assert in_trash() == 0 and "1 item is back." in text(page)


def test_all_is_what_lay_there_when_the_page_was_shown(alice, items):
    Item.objects.filter(pk__in=[one.pk for one in items[:2]]).update(trashed_at=Now() - DAYS)
    moment = timezone.now() - timedelta(minutes=5)
    alice.post("/trash/delete", {"all": "1", "until": moment.isoformat()})
    assert [*Item.objects.values_list("title", flat=True)] == ["Note 1"]


@pytest.mark.parametrize("what", ["restore", "delete"])
def test_a_moment_that_is_none_is_refused_in_words(alice, items, what):
    answer = alice.post(f"/trash/{what}", {"all": "1", "until": "9999-12-31T23:59:59-23:59"})
    assert answer.status_code == 422 and "A moment is written like" in text(answer)
    assert in_trash() == 3


def test_what_is_there_again_is_not_restored(alice, garden, items):
    take(drawn.jpeg(), made.place(User.objects.get(username="alice"), garden), "meadow.jpg")
    page = text(alice.post("/trash/restore", {"all": "1"}, follow=True))
    assert "2 items are back." in page and "1 skipped: the collection has this file already." in page


def test_only_admins_delete_for_good(alice, signed_in, items):
    given = {"id": [str(one.public_id) for one in items]}
    assert "Empty the trash" not in text(signed_in("bob").get("/trash"))
    assert signed_in("bob").post("/trash/delete", given).status_code == 403
    assert in_trash() == 3
    assert "3 items are deleted for good." in text(alice.post("/trash/delete", given, follow=True))
    assert (Item.objects.count(), stored()) == (0, [])


@pytest.mark.parametrize("name", ["vera", "charlie"])
@pytest.mark.parametrize("what", ["restore", "delete"])
def test_who_may_not_restore_sees_nothing_and_changes_nothing(signed_in, items, name, what):
    client = signed_in(name)
    assert "The trash is empty" in text(client.get("/trash"))
    assert client.post(f"/trash/{what}", {"id": items[0].public_id}).status_code == 404
    client.post(f"/trash/{what}", {"all": "1"})
    assert in_trash() == 3


def test_what_a_private_collection_threw_away_is_its_makers(garden, alice, signed_in):
    maker = User.objects.get(username="bob")
    secret = collections.create_collection(garden, "Secret", maker=maker, visibility="private")
    trash.trash(made.note(made.place(maker, garden, secret), "mine", "Bob's diary"))
    assert "Bob&#x27;s diary" in text(signed_in("bob").get("/trash"))
    assert "diary" not in text(alice.get("/trash"))
    alice.post("/trash/delete", {"all": "1"})
    assert in_trash() == 1


def test_what_comes_back_lies_in_the_inbox_where_its_collection_is_deleted_meanwhile(garden, items):
    shelf = collections.create_collection(garden, "Shelf", maker=User.objects.get(username="alice"))
    Item.objects.filter(pk=items[0].pk).update(trashed_from=shelf)
    read = Item.objects.get(pk=items[0].pk)
    Item.objects.update(trashed_from=None)
    shelf.delete()
    trash.restore(read)
    assert read.collection.purpose == Purpose.INBOX


@pytest.mark.parametrize("do", [trash.trash, trash.restore])
def test_what_is_deleted_for_good_meanwhile_is_said_to_be_gone(items, do):
    Item.objects.all().delete()
    with pytest.raises(Refusal, match="There is no such item"):
        do(items[0])


def test_a_live_item_is_not_deleted_by_way_of_the_trash(alice, items):
    trash.restore(items[1])
    assert alice.post("/trash/delete", {"id": items[1].public_id}).status_code == 404
    assert in_trash() == 2


def test_thumbnails_are_for_who_may_restore(garden, alice, signed_in, decoded):
    address = f"/trash/{decoded.public_id}/thumbnail"
    assert b"".join(alice.get(address).streaming_content) == b"small"
    for name in ("vera", "charlie"):
        assert signed_in(name).get(address).status_code == 404
    trash.restore(decoded)
    assert alice.get(address).status_code == 404


@pytest.fixture
def decoded(garden) -> Item:
    """A picture in the trash that has its derivatives."""
    item = take(drawn.jpeg(), made.place(User.objects.get(username="alice"), garden), "meadow.jpg").item
    files.write_derivatives(item.blob, {480: b"small", 2048: b"large"})
    Item.objects.filter(pk=item.pk).update(width=640, height=480)
    trash.trash(item)
    return item
