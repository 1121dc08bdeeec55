"""What a librarian does to many items at once."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Job
from searchsite.library import collections
from searchsite.library.models import Collection, Item, ItemTag
from tests import made
from tests.web import admins
from tests.web.admins import act, kept, who

pytestmark = pytest.mark.django_db
ITEMS = "/admin/library/item/"


@pytest.fixture
def garden(db) -> Team:
    return admins.garden()


@pytest.fixture
def den(db) -> Team:
    return admins.burrow()


@pytest.fixture
def rose(garden) -> Item:
    return kept(garden, "alice", "Rose")


@pytest.fixture
def secret(den) -> Item:
    return kept(den, "charlie", "Secret")


@pytest.fixture
def shelf(garden) -> Collection:
    return collections.create_collection(garden, "Shelf", maker=User.objects.get(username="alice"))


def asked(client, action: str, *ids: int, **more: object) -> str:
    """The page that asks, before anything is confirmed."""
    return client.post(ITEMS, {"action": action, "_selected_action": ids, **more}).content.decode()


@pytest.mark.parametrize("action", ["move", "tag", "set_kind", "reprocess", "move_to_trash"])
def test_each_action_asks_first_and_says_of_how_many(action, rose) -> None:
    page = asked(who("bob"), action, rose.pk)
    assert "1 item is chosen." in page and "Rose" in page
    rose.refresh_from_db()
    assert rose.trashed_at is None and rose.collection.name == "Inbox"


def test_items_move_to_a_collection_of_the_same_team(rose, shelf, den) -> None:
    theirs = Collection.objects.create(team=den, name="Theirs")
    assert "Theirs" not in asked(who("bob"), "move", rose.pk)
    act(who("bob"), "move", rose.pk, target=str(theirs.pk))
    rose.refresh_from_db()
    assert rose.collection.name == "Inbox"
    assert "Move to a collection: 1 item." in act(who("bob"), "move", rose.pk, target=str(shelf.pk))
    rose.refresh_from_db()
    assert rose.collection == shelf


def test_items_move_to_a_collection_made_for_them(rose) -> None:
    act(who("bob"), "move", rose.pk, name="Fresh")
    rose.refresh_from_db()
    assert rose.collection.name == "Fresh"


def test_a_name_that_is_taken_is_refused_and_the_form_stays(rose, shelf) -> None:
    page = act(who("bob"), "move", rose.pk, name="shelf")
    assert "There is already a collection named" in page and 'value="shelf"' in page


def test_items_of_two_teams_have_no_place_in_common(rose, secret) -> None:
    User.objects.create_superuser("root")
    page = act(who("root"), "move", rose.pk, secret.pk, name="Both")
    assert "These items are of several teams." in page


def test_tags_come_and_go(rose) -> None:
    act(who("bob"), "tag", rose.pk, add="Red, flower")
    act(who("bob"), "tag", rose.pk, add="thorn", remove="red")
    assert set(ItemTag.objects.filter(item=rose).values_list("tag__name", flat=True)) == {"flower", "thorn"}
    assert "Write at least one tag." in act(who("bob"), "tag", rose.pk, add=" , ")


def test_a_text_stays_a_text_and_the_page_says_so(rose, garden) -> None:
    picture = made.picture(made.place(User.objects.get(username="alice"), garden), "red")
    page = act(who("bob"), "set_kind", rose.pk, picture.pk, kind="screenshot")
    assert "Set the kind: 1 item." in page and "1 item was left: a text stays a text." in page
    picture.refresh_from_db()
    assert (picture.kind, picture.kind_set_by) == ("screenshot", "person")


def test_items_are_processed_again_behind_all_that_waits(rose) -> None:
    Job.objects.update(state="done")
    act(who("bob"), "reprocess", rose.pk, stage="embed")
    assert list(Job.objects.filter(state="ready").values_list("subject", "kind", "lane")) == [(rose.pk, "embed", 9)]


def test_what_nothing_does_is_not_asked_for(rose) -> None:
    page = act(who("bob"), "reprocess", rose.pk, stage="caption")
    assert "Nothing is configured that does this." in page


def test_items_go_to_the_trash_and_come_back(rose) -> None:
    act(who("bob"), "move_to_trash", rose.pk)
    assert "Rose" not in who("bob").get(ITEMS).content.decode()
    page = who("bob").get(f"{ITEMS}?trash=1").content.decode()
    assert "Rose" in page and "29 days" in page
    act(who("bob"), "restore", rose.pk, address=f"{ITEMS}?trash=1")
    rose.refresh_from_db()
    assert rose.trashed_at is None and rose.collection.name == "Inbox"


def test_all_of_a_filter_means_all_of_it(garden, shelf) -> None:
    alice = User.objects.get(username="alice")
    many = [made.note(made.place(alice, garden, shelf), f"words {n}", f"Leaf {n}") for n in range(60)]
    other = kept(garden, "alice", "Rose")
    address = f"{ITEMS}?in={shelf.pk}"
    page = asked_across(who("bob"), address)
    assert "60 items are chosen." in page and "and 48 more" in page
    act(who("bob"), "move_to_trash", 0, address=address, select_across="1")
    assert Item.objects.filter(trashed_at__isnull=False).count() == len(many)
    other.refresh_from_db()
    assert other.trashed_at is None


def asked_across(client, address: str) -> str:
    data = {"action": "move_to_trash", "_selected_action": [0], "select_across": "1"}
    return client.post(address, data).content.decode()


@pytest.mark.parametrize("name", ["bob", "charlie", "vera", "dan"])
def test_only_those_who_may_change_an_item_do(name, rose, secret) -> None:
    act(who(name), "move_to_trash", rose.pk)
    rose.refresh_from_db()
    assert (rose.trashed_at is not None) == (name == "bob")


def test_a_grant_to_look_is_none_to_change(garden, rose) -> None:
    alice = User.objects.get(username="alice")
    diary = collections.create_collection(garden, "Diary", maker=alice, visibility="private")
    page = made.note(made.place(alice, garden, diary), "Dear diary")
    diary.grants.create(user=User.objects.get(username="bob"))
    told = asked(who("bob"), "move_to_trash", page.pk, rose.pk)
    assert "1 of them is in a collection that you may not change" in told
    told = act(who("bob"), "move_to_trash", page.pk, rose.pk)
    assert "Move to the trash: 1 item." in told and "1 item was left: you may not change it." in told


def test_each_item_remembers_who_did_what(rose, shelf) -> None:
    act(who("bob"), "move", rose.pk, target=str(shelf.pk))
    entry = LogEntry.objects.get(object_id=str(rose.pk))
    assert (str(entry.user), entry.object_repr, entry.change_message) == ("bob", "Rose", "Move to a collection")
    assert "Move to a collection" in who("alice").get(f"{ITEMS}{rose.pk}/history/").content.decode()


def test_who_leads_the_house_acts_in_every_team(rose, secret) -> None:
    User.objects.create_superuser("root")
    act(who("root"), "move_to_trash", rose.pk, secret.pk)
    assert Item.objects.filter(trashed_at__isnull=False).count() == 2
