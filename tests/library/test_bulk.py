"""Many items changed at once: moved, tagged, thrown away, taken back, told what they are."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Job
from searchsite.library import bulk, collections, tags
from searchsite.library.models import Collection, CollectionGrant, DeclinedTag, Item, ItemTag, Part
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from tests import made
from tests.library import drawn
from tests.library.conftest import place, take


@pytest.fixture
def diary(alice: User, team: Team) -> Collection:
    return collections.create_collection(team, "Diary", maker=alice)


@pytest.fixture
def items(alice: User, team: Team) -> list[Item]:
    """Three pictures and a note in the Inbox."""
    pictures = [take(drawn.jpeg(seed=number), place(alice, team), f"{number}.jpg").item for number in range(3)]
    return [*pictures, made.note(place(alice, team), "Water the roses.", "Roses")]


@pytest.fixture
def scope(alice: User, team: Team, diary: Collection, items: list[Item]) -> Scope:
    return scope_for(alice, team)


def ids(items: list[Item]) -> list[int]:
    return [one.pk for one in items]


def where(items: list[Item]) -> set[str]:
    return set(Item.objects.filter(pk__in=ids(items)).values_list("collection__name", flat=True))


def named(item: Item) -> dict[str, str]:
    return dict(ItemTag.objects.filter(item=item).values_list("tag__name", "source"))


def test_all_are_moved_and_it_is_known_from_where(items, diary, scope):
    inbox = items[0].collection_id
    outcome = bulk.move_all(ids(items), diary, scope=scope)
    assert outcome.done == dict.fromkeys(ids(items), inbox)
    assert where(items) == {"Diary"}
    assert bulk.move_all(ids(items), diary, scope=scope).reasons == {"already-there": 4}


def test_the_same_bytes_in_the_target_are_skipped_and_break_nothing(alice, team, items, diary, scope):
    there = take(drawn.jpeg(seed=1), place(alice, team, diary)).item
    outcome = bulk.move_all(ids(items), diary, scope=scope)
    assert set(outcome.done) == set(ids(items)) - {items[1].pk}
    assert [(one.item_id, one.title, one.why) for one in outcome.skipped] == [(items[1].pk, "1", "already-there")]
    assert there.blob_id == items[1].blob_id


def test_of_the_same_bytes_from_two_places_one_is_moved(alice, team, items, diary, scope):
    cellar = collections.create_collection(team, "Cellar", maker=alice)
    twin = take(drawn.jpeg(seed=0), place(alice, team, cellar)).item
    outcome = bulk.move_all([twin.pk, *ids(items)], diary, scope=scope_for(alice, team))
    assert outcome.reasons == {"already-there": 1} and len(outcome.done) == 4


def test_what_may_not_be_changed_is_left_and_strangers_learn_nothing(
    alice, bob, charlie, team, strangers, items, diary
):
    secret = collections.create_collection(team, "Secret", maker=alice, visibility="private")
    hidden = made.note(place(alice, team, secret), "mine", "A title to hide")
    foreign = made.note(place(charlie, strangers), "theirs", "Another's title")
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    CollectionGrant.objects.create(collection=diary, user=bob, may_edit=True)
    own = made.note(place(alice, team, diary), "shared", "Shared")
    outcome = bulk.trash_all([*ids(items), hidden.pk, foreign.pk, own.pk, 10**12], scope=scope_for(bob, team))
    assert set(outcome.done) == {own.pk}
    assert outcome.reasons == {"read-only": 4, "gone": 3}
    assert {one.title for one in outcome.skipped if one.why == "gone"} == {""}


@pytest.mark.parametrize("whose", ["foreign", "read only"])
def test_a_target_needs_its_own_right(alice, bob, charlie, team, strangers, items, whose):
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    maker, owner = (charlie, strangers) if whose == "foreign" else (alice, team)
    target = collections.create_collection(owner, "Theirs", maker=maker)
    with pytest.raises(Refusal) as refused:
        bulk.move_all(ids(items), target, scope=scope_for(bob, team))
    assert refused.value.status == (404 if whose == "foreign" else 403)
    assert where(items) == {"Inbox"}


def test_what_is_thrown_away_comes_back_to_where_each_was(items, diary, scope):
    bulk.move_all(ids(items)[:2], diary, scope=scope)
    assert len(bulk.trash_all(ids(items), scope=scope).done) == 4
    assert bulk.trash_all(ids(items), scope=scope).reasons == {"in-trash": 4}
    assert len(bulk.restore_all(ids(items), scope=scope).done) == 4
    assert where(items[:2]) == {"Diary"} and where(items[2:]) == {"Inbox"}
    assert bulk.restore_all(ids(items), scope=scope).reasons == {"restored": 4}


def test_what_came_again_meanwhile_is_not_restored(alice, team, items, scope):
    bulk.trash_all(ids(items), scope=scope)
    take(drawn.jpeg(seed=2), place(alice, team))
    outcome = bulk.restore_all(ids(items), scope=scope)
    assert len(outcome.done) == 3 and outcome.reasons == {"already-there": 1}


def test_of_a_deleted_collection_each_takes_back_their_own(alice, bob, team, items, diary, scope):
    theirs = made.note(place(bob, team, diary), "bob's", "Bob's")
    everything = [*ids(items), theirs.pk]
    bulk.trash_all(everything, scope=scope)
    Item.objects.update(trashed_from=None)
    assert set(bulk.restore_all(everything, scope=scope_for(bob, team)).done) == {theirs.pk}
    assert set(bulk.restore_all(everything, scope=scope).done) == set(ids(items))


def test_tags_are_added_and_taken_off_whatever_else_there_is(items, scope):
    tags.set_machine(items[0], ["cat", "table"])
    tags.set_machine(items[1], ["cat"])
    Job.objects.all().delete()
    outcome = bulk.tag_all(ids(items), add=[" Garden ", "table"], remove=["CAT", "dog"], scope=scope)
    assert len(outcome.done) == 4
    assert named(items[0]) == {"garden": "person", "table": "person"}
    assert {*DeclinedTag.objects.values_list("item", "name")} == {(items[0].pk, "cat"), (items[1].pk, "cat")}
    assert set(Job.objects.filter(kind="embed").values_list("subject", flat=True)) == set(ids(items))
    tags.set_machine(items[0], ["cat"])
    assert "cat" not in named(items[0])


def test_what_reads_as_before_is_not_embedded_anew(items, scope):
    bulk.tag_all(ids(items)[:2], add=["rose"], scope=scope)
    Job.objects.all().delete()
    bulk.tag_all(ids(items), add=["rose"], scope=scope)
    assert set(Job.objects.values_list("subject", flat=True)) == set(ids(items)[2:])
    assert {*Part.objects.filter(role="tags").values_list("text", flat=True)} == {"rose"}


def test_a_tag_of_all_is_gone_from_all(items, scope):
    bulk.tag_all(ids(items), add=["rose"], scope=scope)
    bulk.tag_all(ids(items), remove=["rose"], scope=scope)
    assert not Part.objects.filter(role="tags").exists() and not ItemTag.objects.exists()


def test_one_item_with_too_many_tags_does_not_stop_the_others(items, scope):
    tags.set_all(items[0], [f"tag {number}" for number in range(tags.MOST)])
    outcome = bulk.tag_all(ids(items), add=["rose", "tag 1"], scope=scope)
    assert outcome.reasons == {"too-many-tags": 1} and len(outcome.done) == 3
    assert len(named(items[0])) == tags.MOST


@pytest.mark.parametrize("names", [[], [" # "], [f"tag {number}" for number in range(101)]])
def test_no_tag_and_too_many_are_refused(items, scope, names):
    with pytest.raises(Refusal):
        bulk.tag_all(ids(items), add=names, scope=scope)


def test_pictures_become_screenshots_and_a_text_stays_a_text(items, scope):
    outcome = bulk.set_kind_all(ids(items), "screenshot", scope=scope)
    assert outcome.reasons == {"a-text": 1} and len(outcome.done) == 3
    assert {*Item.objects.values_list("kind", "kind_set_by")} == {("screenshot", "person"), ("text", "rule")}
    with pytest.raises(Refusal):
        bulk.set_kind_all(ids(items), "text", scope=scope)


def test_more_than_one_transaction_holds(alice, team, diary, scope, items):
    like = {"team": team, "collection": items[0].collection, "kind": "text"}
    Item.objects.bulk_create([Item(title=f"note {number}", **like) for number in range(bulk.AT_ONCE + 2)])
    everything = [*Item.objects.values_list("pk", flat=True)]
    assert len(bulk.move_all([*everything, *everything], diary, scope=scope).done) == bulk.AT_ONCE + 6


def test_a_right_that_was_lost_on_the_way_ends_it(bob, team, diary, items):
    before = scope_for(bob, team)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert bulk.trash_all(ids(items), scope=before).reasons == {"read-only": 4}
    Membership.objects.filter(user=bob).delete()
    assert bulk.tag_all(ids(items), add=["rose"], scope=before).reasons == {"gone": 4}
    assert where(items) == {"Inbox"} and not ItemTag.objects.exists()


def test_a_target_that_was_lost_on_the_way_takes_no_more(bob, team, diary, items):
    before = scope_for(bob, team)
    Collection.objects.filter(pk=diary.pk).update(visibility="private")
    assert bulk.move_all(ids(items), diary, scope=before).reasons == {"read-only": 4}
    assert where(items) == {"Inbox"}


def test_who_was_put_out_takes_back_nothing_of_a_deleted_collection(bob, team, diary):
    orphan = made.note(place(bob, team, diary), "bob's", "Bob's")
    before = scope_for(bob, team)
    bulk.trash_all([orphan.pk], scope=before)
    Item.objects.update(trashed_from=None)
    Membership.objects.filter(user=bob).delete()
    assert bulk.restore_all([orphan.pk], scope=before).reasons == {"gone": 1}


def test_a_superuser_who_is_one_no_more_changes_nothing(charlie, team, items):
    everything = tuple(Collection.objects.filter(team=team).exclude(purpose="trash").values_list("pk", flat=True))
    lifted = Scope(charlie.pk, team.pk, everything, everything, lifted=True)
    assert bulk.set_kind_all(ids(items), "screenshot", scope=lifted).reasons == {"gone": 4}
    User.objects.filter(pk=charlie.pk).update(is_superuser=True)
    assert len(bulk.set_kind_all(ids(items), "screenshot", scope=lifted).done) == 3
