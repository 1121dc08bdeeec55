"""What happens to items after they came in: decoded, tagged, moved, thrown away, forgotten."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Job
from searchsite.library import collections, edits, files, items, pictures, tags, trash
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import Policy
from searchsite.library.models import Blob, CollectionGrant, Item, Part, QueryPicture
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place, stored, take
from tests.made import rights_of

POLICY = Policy(50_000_000, 30_000, files.SIZES)
LONG_AGO = timedelta(days=31)


@pytest.fixture
def item(alice: User, team: Team) -> Item:
    return take(drawn.encoded(drawn.screen()), place(alice, team), "window.png").item


def named(item: Item) -> dict[str, str]:
    return {one.tag.name: one.source for one in item.item_tags.select_related("tag")}


def test_decoding_is_written_to_the_item(item: Item) -> None:
    decoded = client.decode(files.original_path(item.blob), POLICY)
    files.write_derivatives(item.blob, decoded.derivatives)
    items.apply_decoded(item, decoded)
    item.refresh_from_db()
    assert (item.width, item.height, item.kind) == (640, 400, "screenshot")
    assert item.placeholder.startswith("data:image/webp;base64,")
    assert files.view_path(item.blob).read_bytes()[8:12] == b"WEBP"


def test_a_kind_that_a_person_set_outlives_the_rule(item: Item) -> None:
    edits.set_kind(item, "image", scope=rights_of(item))
    items.apply_decoded(item, client.decode(files.original_path(item.blob), POLICY))
    item.refresh_from_db()
    assert item.kind == "image"


def test_a_small_picture_has_only_the_derivatives_it_needs(alice: User, team: Team) -> None:
    blob = take(drawn.jpeg(), place(alice, team)).item.blob
    files.write_derivatives(blob, client.decode(files.original_path(blob), POLICY).derivatives)
    assert files.derivative_path(blob, 2048) == files.derivative_path(blob, 480)


def test_a_machine_replaces_its_own_tags_and_never_a_persons(item: Item) -> None:
    tags.set_machine(item, ["Window", "text"])
    edits.retag(item, ["text", "Mine"], scope=rights_of(item))
    tags.set_machine(item, ["window", "mine", "desk"])
    assert named(item) == {"text": "person", "mine": "person", "desk": "machine"}
    assert not tags.set_machine(item, ["desk", "window"])


def test_a_tag_that_a_person_took_off_stays_off_until_they_put_it_back(item: Item) -> None:
    tags.set_machine(item, ["cat", "table"])
    edits.retag(item, ["table"], scope=rights_of(item))
    tags.set_machine(item, ["cat"])
    assert named(item) == {"table": "person"}
    edits.retag(item, ["Cat"], scope=rights_of(item))
    tags.set_machine(item, ["cat", "table"])
    assert named(item) == {"cat": "person"}


def test_tags_are_searched_as_a_part(item: Item) -> None:
    edits.retag(item, ["Red", "car"], scope=rights_of(item))
    assert Part.objects.get(item=item, role="tags").text == "red, car"
    assert Job.objects.filter(kind="embed", subject=item.pk).exists()
    edits.retag(item, [], scope=rights_of(item))
    assert not Part.objects.filter(item=item, role="tags").exists()


def test_too_many_tags_are_refused(item: Item) -> None:
    with pytest.raises(Refusal):
        edits.retag(item, [f"tag {number}" for number in range(101)], scope=rights_of(item))


def test_a_new_title_is_cleaned(item: Item) -> None:
    edits.rename(item, " A\0 new\r\ntitle ", scope=rights_of(item))
    assert Item.objects.get(pk=item.pk).title == "A new title"
    with pytest.raises(Refusal):
        edits.rename(item, "\u202e", scope=rights_of(item))


def test_a_text_stays_a_text(alice: User, team: Team) -> None:
    note = take(b"Water the roses.", place(alice, team), "note.txt").item
    with pytest.raises(Refusal):
        edits.set_kind(note, "image", scope=rights_of(note))


def test_moving_needs_rights_on_both_sides(alice, bob, charlie, team, strangers, item: Item) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice, visibility="private")
    elsewhere = collections.create_collection(strangers, "Theirs", maker=charlie)
    for user, target in ((bob, diary), (alice, elsewhere), (charlie, elsewhere)):
        with pytest.raises(Refusal) as refused:
            edits.move(item, target, scope=scope_for(user, team))
        assert refused.value.status == 404
    edits.move(item, diary, scope=scope_for(alice, team))
    assert Item.objects.get(pk=item.pk).collection == diary


@pytest.mark.parametrize("granted", ["here", "there"])
def test_moving_from_or_to_where_one_only_reads_is_forbidden(alice, bob, team, item: Item, granted: str) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    writable = item.collection if granted == "here" else diary
    CollectionGrant.objects.create(collection=writable, user=bob, may_edit=True)
    with pytest.raises(Refusal) as refused:
        edits.move(item, diary, scope=scope_for(bob, team))
    assert refused.value.status == 403


def test_moving_onto_the_same_bytes_is_refused(alice: User, team: Team, item: Item) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice)
    take(files.original_path(item.blob).read_bytes(), place(alice, team, diary))
    with pytest.raises(Refusal) as refused:
        edits.move(item, diary, scope=scope_for(alice, team))
    assert refused.value.status == 409


def test_what_is_thrown_away_comes_back(alice: User, bob: User, charlie: User, team: Team, item: Item) -> None:
    home = item.collection
    trash.trash(item)
    trash.trash(item)
    restorable = [trash.restorable(scope_for(user, team)).count() for user in (alice, bob, charlie)]
    trash.restore(item)
    assert restorable == [1, 1, 0]
    assert (item.collection, item.trashed_at, item.trashed_from) == (home, None, None)


def test_nothing_is_restored_onto_the_same_bytes(alice: User, team: Team, item: Item) -> None:
    data = files.original_path(item.blob).read_bytes()
    trash.trash(item)
    take(data, place(alice, team))
    with pytest.raises(Refusal) as refused:
        trash.restore(item)
    assert refused.value.status == 409


def test_the_same_bytes_of_two_collections_lie_in_one_trash(alice: User, team: Team, item: Item) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice)
    other = take(files.original_path(item.blob).read_bytes(), place(alice, team, diary)).item
    trash.trash(item)
    trash.trash(other)
    assert Item.objects.filter(collection__purpose="trash").count() == 2


def test_after_thirty_days_an_item_and_its_files_are_gone(item: Item) -> None:
    files.write_derivatives(item.blob, client.decode(files.original_path(item.blob), POLICY).derivatives)
    trash.trash(item)
    assert trash.purge() == 0
    Item.objects.update(trashed_at=Now() - LONG_AGO)
    assert trash.purge() == 1
    assert (Item.objects.count(), Blob.objects.count(), stored()) == (0, 0, [])


def test_what_is_gone_leaves_no_jobs(alice: User, team: Team, item: Item) -> None:
    stays = take(drawn.jpeg(), place(alice, team)).item
    trash.trash(item)
    Item.objects.filter(pk=item.pk).update(trashed_at=Now() - LONG_AGO)
    trash.purge()
    assert set(Job.objects.values_list("subject", flat=True)) == {stays.pk}


def test_a_file_that_another_team_has_stays(charlie: User, strangers: Team, item: Item) -> None:
    theirs = take(files.original_path(item.blob).read_bytes(), place(charlie, strangers)).item
    trash.trash(item)
    Item.objects.filter(pk=item.pk).update(trashed_at=Now() - LONG_AGO)
    trash.purge()
    assert Blob.objects.get() == theirs.blob
    assert files.original_path(theirs.blob).exists()


def test_a_picture_to_search_by_is_kept_small_and_stripped(alice: User, bob: User, team: Team) -> None:
    scope = scope_for(alice, team)
    first = pictures.add_query_picture(io.BytesIO(drawn.jpeg(comment=b"secret")), scope=scope)
    again = pictures.add_query_picture(io.BytesIO(drawn.jpeg(comment=b"secret")), scope=scope)
    assert first.pk == again.pk
    assert pictures.read(first)[8:12] == b"WEBP"
    assert b"secret" not in pictures.read(first)
    assert pictures.find(first.public_id, scope) == first
    assert pictures.find(first.public_id, scope_for(bob, team)) is None
    assert len(stored()) == 1


@pytest.mark.parametrize("name", sorted(drawn.HOSTILE))
def test_a_hostile_picture_to_search_by_leaves_nothing(alice: User, team: Team, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        pictures.add_query_picture(io.BytesIO(drawn.HOSTILE[name]), scope=scope_for(alice, team))
    assert refused.value.status == 422
    assert (QueryPicture.objects.count(), Blob.objects.count(), stored()) == (0, 0, [])


def test_what_is_no_picture_is_refused_whatever_its_name_was(alice: User, team: Team) -> None:
    with pytest.raises(Refusal, match=r"^This file is no picture"):
        pictures.add_query_picture(io.BytesIO(b"only words"), scope=scope_for(alice, team))


def test_a_picture_with_damaged_pixels_is_refused_as_a_question(alice: User, team: Team) -> None:
    damaged = drawn.png(100, 100, pixels=b"no zlib stream")
    with pytest.raises(Refusal) as refused:
        pictures.add_query_picture(io.BytesIO(damaged), scope=scope_for(alice, team))
    assert (refused.value.status, stored()) == (422, [])


def test_expired_pictures_are_forgotten(alice: User, team: Team) -> None:
    scope = scope_for(alice, team)
    picture = pictures.add_query_picture(io.BytesIO(drawn.jpeg()), scope=scope)
    QueryPicture.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert pictures.find(picture.public_id, scope) is None
    assert pictures.purge_expired() == 1
    assert stored() == []
