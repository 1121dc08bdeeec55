"""`manage.py reindex`."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from searchsite.indexing import spaces, tables
from searchsite.jobs.models import Job
from tests import made
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


def test_it_embeds_everything_anew(library, capsys):
    old = made.active_space()
    call_command("reindex", "--no-wait")
    made.work_through_everything()
    assert made.active_space() != old
    assert all(tables.hashes(made.active_space().pk, [item.pk]) for item in library)
    assert "3 items are to be embedded" in capsys.readouterr().out


def test_a_second_run_goes_on(library, capsys):
    call_command("reindex", "--no-wait")
    made.work_through_everything()
    space = made.active_space()
    call_command("reindex")
    assert made.active_space() == space
    assert capsys.readouterr().out.endswith("Done.\n")


def test_what_failed_with_the_old_embedder_is_tried_with_the_new(library, fake):
    Job.objects.filter(kind="embed", subject=library[0].pk).update(state="dead")
    call_command("reindex", "--no-wait")
    made.work_through_everything()
    assert tables.hashes(made.active_space().pk, [library[0].pk])


def test_it_changes_nothing_while_the_server_is_away(library, fake):
    space = made.active_space()
    fake.__exit__()
    spaces.provider.client().close()
    spaces.provider.client.cache_clear()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("reindex")
    assert made.active_space() == space
