"""Notes are written anew: their text to the last line break, their passages, and who may."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Job, Lane
from searchsite.library import notes, passages, trash, wording
from searchsite.library.models import Item, Part
from searchsite.library.notes import Draft
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests import made
from tests.library import drawn
from tests.library.conftest import place, take

LONG = "# Bread\n\n" + "Let it rest for a long while.\n\n" * 200


@pytest.fixture
def note(alice: User, team: Team) -> Item:
    item = made.note(place(alice, team), LONG, title="Bread")
    Job.objects.all().delete()
    return item


@given(st.text(max_size=9000))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_passages_end_to_end_are_the_whole_text(text: str) -> None:
    cleaned = wording.clean_text(text)
    assert "".join(passage.text for passage in passages.split(cleaned)) == cleaned


def test_the_whole_text_is_kept_to_the_last_line_break(note: Item) -> None:
    assert notes.text_of(note) == LONG


@pytest.mark.parametrize("text", ["  indented\n\n\n", "\n\nfirst\r\n\r\nlast", "a\ttab \n", LONG + "\n \n"])
def test_what_is_written_is_what_is_kept(note: Item, text: str) -> None:
    notes.rewrite(note, Draft("Bread", text), scope=made.rights_of(note))
    assert notes.text_of(note) == text.replace("\r\n", "\n")


def test_unchanged_passages_keep_their_rows(note: Item) -> None:
    before = dict(note.parts.values_list("ordinal", "pk"))
    notes.rewrite(note, Draft("Bread", LONG + "Then bake it."), scope=made.rights_of(note))
    assert dict(note.parts.values_list("ordinal", "pk")) == before
    job = Job.objects.get()
    assert (job.kind, job.lane) == ("embed", Lane.WAITING)


def test_a_shorter_text_leaves_nothing_behind(note: Item) -> None:
    notes.rewrite(note, Draft("", "## Rye bread\n\nsour"), scope=made.rights_of(note))
    note.refresh_from_db()
    assert (note.title, Part.objects.get(item=note).text) == ("Rye bread", "## Rye bread\n\nsour")


def test_the_same_once_more_costs_nothing(note: Item) -> None:
    notes.rewrite(note, Draft("Bread", LONG), scope=made.rights_of(note))
    assert not Job.objects.exists()


def test_what_somebody_else_wrote_is_not_overwritten_unseen(note: Item) -> None:
    base, scope = notes.read(note).version, made.rights_of(note)
    notes.rewrite(note, Draft("Bread", "theirs", base), scope=scope)
    with pytest.raises(notes.Changed):
        notes.rewrite(note, Draft("Bread", "mine", base), scope=scope)
    assert notes.text_of(note) == "theirs"


@pytest.mark.parametrize("text", ["", " \n", "\x00", "x" * 3_000_000])
def test_a_note_says_something_and_not_too_much(note: Item, text: str) -> None:
    with pytest.raises(Refusal):
        notes.rewrite(note, Draft("Bread", text), scope=made.rights_of(note))
    assert notes.text_of(note) == LONG


def test_files_stay_as_they_are(alice: User, team: Team) -> None:
    for data, name in ((b"plain", "a.txt"), (drawn.jpeg(), "a.jpg")):
        item = take(data, place(alice, team), name).item
        with pytest.raises(Refusal):
            notes.rewrite(item, Draft("", "other"), scope=made.rights_of(item))


def test_the_right_is_looked_at_when_it_is_written(note: Item, bob: User, team: Team) -> None:
    before = scope_for(bob, team)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    with pytest.raises(Refusal):
        notes.rewrite(note, Draft("", "Bob's"), scope=scope_for(bob, team))
    trash.trash(note)
    with pytest.raises(Refusal):
        notes.rewrite(note, Draft("", "Bob's"), scope=before)
