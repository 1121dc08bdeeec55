"""Captions and the text in pictures: a person's words stay, and only those who may write them do."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Job, Lane
from searchsite.library import edits, sayings, trash
from searchsite.library.models import Author, Item, Kind, KindSetBy, Part, PartRole
from searchsite.library.refusals import Refusal
from searchsite.library.sayings import Saying, Voice
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place, take
from tests.made import rights_of

EYES = Voice(Author.CAPTIONER, "eyes", "de")
READER = Voice(Author.READER, "builtin")


@pytest.fixture
def item(alice: User, team: Team) -> Item:
    return take(drawn.jpeg(), place(alice, team)).item


def captions(item: Item) -> list[tuple[str, str, str]]:
    parts = Part.objects.filter(item=item, role=PartRole.CAPTION)
    return list(parts.values_list("text", "set_by", "network"))


def test_a_network_writes_over_what_a_network_wrote(item: Item) -> None:
    assert sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    assert sayings.write(item, PartRole.CAPTION, [Saying("A dog.")], Voice(Author.CAPTIONER, "other"))
    assert captions(item) == [("A dog.", "captioner", "other")]


def test_the_same_words_keep_their_row(item: Item) -> None:
    sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    before = Part.objects.get(item=item, role=PartRole.CAPTION).pk
    sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    assert Part.objects.get(item=item, role=PartRole.CAPTION).pk == before


def test_no_network_writes_over_a_person(item: Item, alice: User, team: Team) -> None:
    edits.set_caption(item, "Our cat Minka", scope=scope_for(alice, team))
    assert not sayings.write(item, PartRole.CAPTION, [Saying("A dog.")], EYES)
    assert not sayings.write(item, PartRole.CAPTION, [], EYES)
    assert captions(item) == [("Our cat Minka", "person", "")]


def test_what_a_person_removed_no_network_brings_back(item: Item, alice: User, team: Team) -> None:
    sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    edits.set_caption(item, "", scope=scope_for(alice, team))
    sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    assert captions(item) == [("", "person", "")]


def test_a_person_has_it_embedded_at_once(item: Item, alice: User, team: Team) -> None:
    edits.set_caption(item, "Our cat Minka", scope=scope_for(alice, team))
    assert Job.objects.get(kind="embed", subject=item.pk).lane == Lane.WAITING


def test_words_that_are_already_there_change_nothing(item: Item, alice: User, team: Team) -> None:
    sayings.write(item, PartRole.CAPTION, [Saying("A cat.")], EYES)
    edits.set_caption(item, "A cat. \r\n", scope=scope_for(alice, team))
    assert captions(item) == [("A cat.", "captioner", "eyes")]
    assert not Job.objects.filter(kind="embed").exists()


def test_a_long_text_becomes_passages_and_a_short_one_takes_them_away(item: Item, alice: User, team: Team) -> None:
    scope = scope_for(alice, team)
    edits.set_text(item, "One line of many.\n\n" * 300, scope=scope)
    parts = Part.objects.filter(item=item, role=PartRole.OCR)
    assert parts.count() > 1
    assert set(parts.values_list("set_by", flat=True)) == {"person"}
    edits.set_text(item, "One line.", scope=scope)
    assert list(parts.values_list("text", "ordinal")) == [("One line.", 0)]


def test_a_readers_boxes_stay_with_words_that_are_put_right_and_go_with_others(
    item: Item, alice: User, team: Team
) -> None:
    sayings.write(item, PartRole.OCR, [Saying("helo", {"words": [["helo", 0, 0, 1, 1]]})], READER)
    edits.set_text(item, "hello", scope=scope_for(alice, team))
    part = Part.objects.get(item=item, role=PartRole.OCR)
    assert part.locator == {"words": [["hello", 0, 0, 1, 1]]}
    edits.set_text(item, "nothing that the reader could have read there", scope=scope_for(alice, team))
    part.refresh_from_db()
    assert part.locator == {}


@pytest.mark.parametrize(("edit", "text"), [(edits.set_caption, "x" * 2001), (edits.set_text, "x" * 40_001)])
def test_too_much_is_refused(item: Item, alice: User, team: Team, edit, text) -> None:
    with pytest.raises(Refusal, match="at most"):
        edit(item, text, scope=scope_for(alice, team))
    assert not Part.objects.filter(item=item, set_by="person").exists()


def test_what_cannot_be_stored_is_left_out(item: Item, alice: User, team: Team) -> None:
    edits.set_caption(item, "A\x00 cat\ud800.", scope=scope_for(alice, team))
    assert captions(item)[0][0] == "A cat."


def test_a_text_has_no_caption(alice: User, team: Team) -> None:
    note = take(b"Walnut bread", place(alice, team), "bread.txt").item
    with pytest.raises(Refusal, match="Only pictures"):
        edits.set_caption(note, "Bread", scope=scope_for(alice, team))


def test_rights_are_looked_at_when_it_is_written(item: Item, alice: User, bob: User, team: Team) -> None:
    before = scope_for(bob, team)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    with pytest.raises(Refusal, match="moved or deleted"):
        edits.set_caption(item, "Bob's", scope=scope_for(bob, team))
    trash.trash(item)
    with pytest.raises(Refusal, match="moved or deleted"):
        edits.set_caption(item, "Bob's", scope=before)
    assert captions(item) == []


@pytest.mark.parametrize(
    ("depicts", "kind"),
    [("screenshot", Kind.SCREENSHOT), ("diagram", Kind.IMAGE), ("photo", Kind.IMAGE), ("other", Kind.IMAGE)],
)
def test_a_captioner_tells_screenshots(item: Item, depicts: str, kind: str) -> None:
    sayings.set_depicts(item, depicts)
    item.refresh_from_db()
    assert (item.depicts, item.kind) == (depicts, kind)


def test_other_leaves_the_kind_to_the_rule(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(kind=Kind.SCREENSHOT)
    item.refresh_from_db()
    sayings.set_depicts(item, "other")
    assert item.kind == Kind.SCREENSHOT


def test_a_person_knows_better_what_it_is(item: Item) -> None:
    edits.set_kind(item, Kind.IMAGE, scope=rights_of(item))
    sayings.set_depicts(item, "screenshot")
    item.refresh_from_db()
    assert (item.kind, item.kind_set_by) == (Kind.IMAGE, KindSetBy.PERSON)
