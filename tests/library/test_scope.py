"""Who sees and changes what: alice owns, bob is in the team, charlie is a stranger."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.library import collections, trash
from searchsite.library.models import Collection, CollectionGrant, Item
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place, take

READ, WRITE, NONE = "read", "write", "none"


def may(user: User, collection: Collection) -> str:
    scope = scope_for(user, collection.team_id)
    if collection.pk in scope.writable_ids:
        assert collection.pk in scope.collection_ids
        return WRITE
    return READ if collection.pk in scope.collection_ids else NONE


@pytest.mark.parametrize(
    ("visibility", "role", "granted", "bob_may"),
    [
        ("team", Role.EDITOR, None, WRITE),
        ("team", Role.VIEWER, None, READ),
        ("team", Role.VIEWER, True, WRITE),
        ("public", Role.EDITOR, None, WRITE),
        ("private", Role.ADMIN, None, NONE),
        ("private", Role.EDITOR, None, NONE),
        ("private", Role.VIEWER, False, READ),
        ("private", Role.EDITOR, True, WRITE),
        ("private", Role.VIEWER, True, WRITE),
    ],
)
def test_bob_may(alice, bob, charlie, team, visibility, role, granted, bob_may) -> None:
    collection = collections.create_collection(team, "Diary", maker=alice, visibility=visibility)
    Membership.objects.filter(user=bob).update(role=role)
    if granted is not None:
        CollectionGrant.objects.create(collection=collection, user=bob, may_edit=granted)
    assert (may(alice, collection), may(bob, collection), may(charlie, collection)) == (WRITE, bob_may, NONE)


def test_a_grant_without_membership_gives_nothing(alice: User, charlie: User, team: Team) -> None:
    collection = collections.create_collection(team, "Diary", maker=alice)
    CollectionGrant.objects.create(collection=collection, user=charlie, may_edit=True)
    assert may(charlie, collection) == NONE


def test_rights_end_with_the_account(alice: User, bob: User, team: Team) -> None:
    collection = collections.create_collection(team, "Diary", maker=alice)
    bob.is_active = False
    bob.save()
    assert may(bob, collection) == NONE


def test_nobody_reads_the_trash(alice: User, team: Team) -> None:
    item = take(drawn.jpeg(), place(alice, team)).item
    trash.trash(item)
    assert not Item.objects.visible_to(scope_for(alice, team)).exists()
    item.refresh_from_db(fields=["collection"])
    assert item.collection_id not in scope_for(alice, team).writable_ids


def test_items_follow_their_collection(alice: User, bob: User, charlie: User, team: Team) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice, visibility="private")
    take(drawn.jpeg(), place(alice, team, diary))
    take(drawn.jpeg(1), place(alice, team))
    seen = [Item.objects.visible_to(scope_for(user, team)).count() for user in (alice, bob, charlie)]
    assert seen == [2, 1, 0]


@pytest.mark.parametrize("name", ["Diary", " diary ", "DIARY", "inbox", "Trash"])
def test_a_name_is_given_once_in_a_team(alice, charlie, team, strangers, name: str) -> None:
    collections.create_collection(team, "Diary", maker=alice)
    with pytest.raises(Refusal) as refused:
        collections.create_collection(team, name, maker=alice)
    assert refused.value.status == 409
    assert collections.create_collection(strangers, "Diary", maker=charlie).pk


@pytest.mark.parametrize("name", ["", " \t", "\0", "\u202e"])
def test_a_collection_has_a_name(alice: User, team: Team, name: str) -> None:
    with pytest.raises(Refusal):
        collections.create_collection(team, name, maker=alice)


def test_an_inbox_is_made_even_when_its_name_is_taken(alice: User, team: Team) -> None:
    Collection.objects.create(team=team, name="Inbox")
    assert collections.ensure_system(team)["inbox"].name == "Inbox 2"
