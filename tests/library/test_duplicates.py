"""Copies of pictures: what is one, how each is found once, and what becomes of a group."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from searchsite.accounts.models import Team, User
from searchsite.indexing import upkeep
from searchsite.jobs.models import Job
from searchsite.library import blobs, bulk, collections, duplicates, edits, files, perceptual, tags, trash
from searchsite.library.models import Blob, Collection, Item, ItemTag, KeptApart, Likeness, Look, Part, PartRole
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests import made, scenes
from tests.library.conftest import place, take
from tests.scenes import cut, file, scene, smaller, window


def likeness(one, other) -> str:
    return perceptual.likeness(perceptual.print_of(file(one)), perceptual.print_of(file(other, quality=60)))


@pytest.mark.parametrize("times", [0.5, 1, 2, 4])
def test_another_size_or_quality_is_a_copy(times):
    assert likeness(scene(1), smaller(scene(1), times)) == "copy"
    assert likeness(window("Open", "Save"), smaller(window("Open", "Save"), times)) == "copy"


def test_edges_cut_off_are_for_vectors_to_decide():
    assert likeness(scene(1), cut(scene(1), 1.5)) == "cut"
    assert likeness(scene(1), cut(scene(1), 20)) == ""


def test_other_pictures_are_none():
    pictures = [scene(seed) for seed in range(12)]
    assert [likeness(pictures[at], one) for at in range(6) for one in pictures[6:]] == [""] * 36


def test_windows_that_differ_in_their_words_are_no_copies():
    one = window("Invoice 2231", "Paid on 3 May", "Thank you")
    other = window("Invoice 2232", "Not yet paid", "Second reminder")
    assert likeness(one, other) != "copy"
    # A date alone: too little for the print, and seen by a close look, also in another size.
    july = window("Invoice 2231", "Paid on 9 July", "Thank you")
    assert perceptual.is_same(file(one), file(smaller(one), quality=50))
    assert not perceptual.is_same(file(one), file(july))
    assert not perceptual.is_same(file(one), file(smaller(july)))


def test_colours_tell_flags_apart():
    flags = [scene(3).convert("L").convert("RGB"), scene(3)]
    assert likeness(*flags) == ""


def test_a_picture_of_nothing_is_alike_to_nothing():
    blank = scenes.Image.new("RGB", (200, 200), "teal")
    assert likeness(blank, blank) == ""


def test_every_hash_seven_bits_away_is_among_the_candidates():
    hash_ = 0x0123456789ABCDEF
    for bits in (0b1111111, 1 << 63 | 1 << 50 | 1 << 33 | 1 << 40 | 1 << 20 | 1 << 3, 0x0003_0003_0003_0001):
        assert bits.bit_count() <= 7
        assert set(perceptual.nearby(hash_)) & set(perceptual.bands_of(hash_ ^ bits)), bin(bits)


@pytest.fixture
def attic(alice: User, team: Team) -> Collection:
    return collections.create_collection(team, "Attic", maker=alice)


def put(user: User, team: Team, image, name: str, collection: Collection | None = None) -> Item:
    return take(file(image), place(user, team, collection), name).item


def pairs() -> set[tuple[str, str, bool]]:
    """Titles of the first items of each pair of files, and whether it is sure."""
    titles = dict(Item.objects.values_list("blob", "title"))
    return {
        (*sorted((titles[one], titles[other])), sure)
        for one, other, sure in Likeness.objects.values_list("one", "other", "sure")
    }


@pytest.fixture
def album(alice: User, team: Team, attic: Collection) -> list[Item]:
    """A picture, a smaller one, the same with its edges cut off, and another; decoded and compared."""
    first, other = scene(1), scene(2)
    shown = {"big": first, "small": smaller(first), "cut": cut(first, 1.5), "other": other}
    items = [
        put(alice, team, image, f"{name}.jpg", attic if name == "small" else None) for name, image in shown.items()
    ]
    made.work_through_everything()
    duplicates.compare(seconds=5)
    return items


def test_copies_are_found_once_decoded(album):
    assert pairs() == {("big", "small", True), ("big", "cut", False), ("cut", "small", False)}
    assert not Look.objects.filter(compared=False).exists()
    assert duplicates.compare(seconds=1) == 0


def test_pictures_from_before_are_caught_up_with_and_what_is_unreadable_is_passed(album):
    Look.objects.all().delete()
    Likeness.objects.all().delete()
    files.derivative_path(album[3].blob, files.THUMBNAIL).write_bytes(b"broken")
    assert duplicates.catch_up(seconds=5)
    upkeep.sweep()
    assert len(pairs()) == 3
    assert Look.objects.get(blob=album[3].blob).bands == []


def test_words_that_differ_in_a_window_make_no_pair(alice, team):
    for number, day in enumerate(("3 May", "9 July", "12 June")):
        put(alice, team, window("Invoice 2231", f"Paid on {day}", "Thank you"), f"{number}.png")
    made.work_through_everything()
    assert duplicates.compare(seconds=5) == 3
    assert not Likeness.objects.exists()


def test_another_team_never_meets_ours(album, charlie, strangers):
    put(charlie, strangers, smaller(scene(1), 1.5), "theirs.jpg")
    made.work_through_everything()
    duplicates.compare(seconds=5)
    assert len(pairs()) == 3


def test_what_is_gone_leaves_no_pair(album, alice, team):
    for item in album[:3]:
        trash.trash(item)
    Item.objects.filter(trashed_at__isnull=False).delete()
    blobs.forget_unused()
    assert Likeness.objects.count() == 0 == Look.objects.exclude(blob=album[3].blob).count()


def test_the_best_keeps_what_people_wrote_of_all(album, alice, team):
    scope = scope_for(alice, team)
    big, small, cut_off, _other = album
    Item.objects.filter(pk=big.pk).update(title="IMG_2034")
    edits.retag(big, ["sea"], scope=scope)
    edits.retag(small, ["harbour", "sea"], scope=scope)
    edits.retag(cut_off, ["old"], scope=scope)
    edits.tag(big, add=["old"], scope=scope)
    edits.tag(big, remove=["old"], scope=scope)
    edits.set_caption(small, "Boats before the storm.", scope=scope)
    Job.objects.all().delete()
    was = duplicates.keep_best(big.pk, [small.pk, cut_off.pk], scope=scope)
    assert was == {small.pk: small.collection_id, cut_off.pk: cut_off.collection_id}
    big = Item.objects.get(pk=big.pk)
    assert big.title == "small"
    assert set(ItemTag.objects.filter(item=big).values_list("tag__name", flat=True)) >= {"sea", "harbour"}
    # Whoever took a tag off the best has looked at it.
    assert not ItemTag.objects.filter(item=big, tag__name="old").exists()
    assert Part.objects.get(item=big, role=PartRole.CAPTION).text == "Boats before the storm."
    assert Item.objects.filter(trashed_at__isnull=False).count() == 2
    assert Job.objects.filter(subject=big.pk, kind="embed").exists()
    assert bulk.restore_all(was, scope=scope).done.keys() == was.keys()


def test_what_a_person_wrote_of_the_best_stays(album, alice, team):
    scope = scope_for(alice, team)
    big, small = album[:2]
    edits.rename(big, "Boats", scope=scope)
    edits.set_caption(big, "Boats.", scope=scope)
    edits.set_caption(small, "Boats before the storm.", scope=scope)
    duplicates.keep_best(big.pk, [small.pk], scope=scope)
    assert Item.objects.get(pk=big.pk).title == "Boats"
    assert Part.objects.get(item=big, role=PartRole.CAPTION).text == "Boats."


@pytest.mark.parametrize("title", ["IMG_2034", "DSC00012", "Screenshot 2026-01-31 at 10.20.30", "a3f9c0d2e4b5", "2026"])
def test_names_of_cameras_are_no_titles(title):
    assert not duplicates.is_named(title)
    assert duplicates.is_named(f"{title} harbour")


def test_all_or_nothing_where_one_is_gone_or_not_ones_own(album, alice, bob, team):
    big, small, cut_off, _other = album
    tags.set_all(small, ["harbour"])
    secret = collections.create_collection(team, "Secret", maker=alice, visibility="private")
    bulk.move_all([cut_off.pk], secret, scope=scope_for(alice, team))
    for others in ([small.pk, cut_off.pk], [small.pk, 2**40]):
        with pytest.raises(Refusal, match="Nothing was changed"):
            duplicates.keep_best(big.pk, others, scope=scope_for(bob, team))
    with pytest.raises(Refusal, match="Nothing was changed"):
        duplicates.keep_apart([big.pk, cut_off.pk], scope=scope_for(bob, team))
    trash.trash(small)
    with pytest.raises(Refusal, match="Nothing was changed"):
        duplicates.keep_best(big.pk, [small.pk], scope=scope_for(alice, team))
    assert not ItemTag.objects.filter(item=big, tag__name="harbour").exists()
    assert Item.objects.get(pk=big.pk).trashed_at is None and not KeptApart.objects.exists()


def test_too_many_tags_together_change_nothing(album, alice, team):
    big, small = album[:2]
    tags.set_all(big, [f"a{number}" for number in range(60)])
    tags.set_all(small, [f"b{number}" for number in range(60)])
    with pytest.raises(Refusal, match="more than 100 tags"):
        duplicates.keep_best(big.pk, [small.pk], scope=scope_for(alice, team))
    assert Item.objects.get(pk=small.pk).trashed_at is None


@pytest.mark.django_db(transaction=True)
def test_of_two_who_keep_another_one_comes_second(alice, team):
    items = [put(alice, team, image, "a.jpg") for image in (scene(1), smaller(scene(1)))]
    one, other = (item.pk for item in items)
    said: list[str] = []

    def keep(best: int, rest: int) -> None:
        try:
            duplicates.keep_best(best, [rest], scope=scope_for(alice, team))
            said.append("kept")
        except Refusal as refusal:
            said.append(refusal.code)
        connections.close_all()

    threads = [threading.Thread(target=keep, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["gone", "kept"]
    assert Item.objects.filter(trashed_at=None).count() == 1


def test_a_blob_that_went_meanwhile_keeps_no_look(alice, team):
    blob = put(alice, team, scene(1), "a.jpg").blob
    assert blob is not None
    ghost = Blob(pk=2**40, team=team)
    duplicates.keep_look(ghost, file(scene(1)))
    assert Look.objects.count() == 0
