"""`manage.py reindex`."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from searchsite.indexing import provider, stages, tables
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from tests import captioned, made
from tests.served import fake

__all__ = ["fake"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def library(fake):
    """Two notes and a picture whose reading failed, indexed with an embedder that is not served any more."""
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    items = [made.note(place, "Tulips want sun."), made.note(place, "Roses want rain."), made.picture(place)]
    made.work_through_everything()
    Job.objects.filter(kind="read").update(state="dead")
    space = made.active_space()
    space.revision = "older"
    space.save()
    return items


def test_it_builds_beside_the_one_that_answers_and_then_activates(library, capsys):
    old = made.active_space()
    call_command("reindex", "--yes", "--no-wait")
    assert made.active_space() == old
    assert "3 items to be embedded" in capsys.readouterr().out
    made.work_through_everything()
    call_command("reindex")
    new = made.active_space()
    assert new != old
    assert all(tables.hashes(new.pk, [item.pk]) for item in library)
    assert capsys.readouterr().out.endswith("Done.\n")


def test_it_tells_the_price_first_and_asks(library, capsys):
    with pytest.raises(CommandError, match="--yes"):
        call_command("reindex")
    said = capsys.readouterr().out
    assert "fake with 64 numbers a vector would embed 5 parts: 1 of pictures, 4 of text." in said
    assert "tokens" in said
    assert Space.objects.count() == 1


def test_the_captions_that_are_lacking_are_told_of_with_their_price(library, fake, monkeypatch, capsys):
    for name, value in captioned.settings(fake).items():
        monkeypatch.setenv(name, value)
    captioned.read_settings_anew()
    for command in (["reindex", "--yes", "--no-wait"], ["spaces", "estimate"], ["spaces"]):
        call_command(*command)
        assert "No captioner has looked at 1 picture: `manage.py caption` has" in capsys.readouterr().out
    captioned.read_settings_anew()


def test_a_run_after_the_last_looks_for_what_is_missing(library, capsys):
    call_command("reindex", "--yes", "--no-wait")
    made.work_through_everything()
    call_command("reindex")
    space = made.active_space()
    call_command("reindex")
    assert made.active_space() == space
    assert "looking for what is missing" in capsys.readouterr().out


def test_what_failed_with_the_old_embedder_is_tried_with_the_new(library, fake):
    Job.objects.filter(kind="embed", subject=library[0].pk).update(state="dead")
    call_command("reindex", "--yes", "--no-wait")
    made.work_through_everything()
    call_command("reindex")
    assert tables.hashes(made.active_space().pk, [library[0].pk])
    assert stages.status_of(library)[library[0].pk].stages["embed"].state == "done"


def test_spaces_are_listed_and_changed_by_number(library, capsys):
    old = made.active_space()
    call_command("spaces", "build")
    new = Space.objects.exclude(pk=old.pk).get()
    with pytest.raises(CommandError, match="have no vectors"):
        call_command("spaces", "activate", str(new.pk))
    made.work_through_everything()
    call_command("spaces", "activate", str(new.pk))
    assert made.active_space() == new
    call_command("spaces", "rollback")
    assert made.active_space() == old
    call_command("spaces")
    assert f"{new.pk:>4}  retired " in capsys.readouterr().out
    with pytest.raises(CommandError, match="a moment ago"):
        call_command("spaces", "drop", str(new.pk))


def test_it_changes_nothing_while_the_server_is_away(library, fake):
    space = made.active_space()
    fake.__exit__()
    provider.forget()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("reindex")
    assert made.active_space() == space
