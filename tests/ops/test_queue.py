"""`manage.py queue`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from searchsite.jobs import pausing
from searchsite.jobs.models import Job, State
from tests import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    alice = made.person("alice")
    made.note(made.place(alice, made.team_of(alice)), "Tulips want sun.")
    return Job.objects.get()


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("queue", *words, stdout=out)
    return out.getvalue()


def test_it_shows_each_stage(job):
    head, *rows = said().splitlines()
    assert head.split()[:3] == ["stage", "state", "waiting"]
    assert [row.split()[0] for row in rows] == ["decode", "read", "caption", "embed"]
    assert rows[3].split()[:3] == ["embed", "working", "1"]


def test_failures_are_shown_and_tried_again(job):
    Job.objects.update(state=State.DEAD, last_error="Broken at byte 7.", finished_at="2026-01-01T00:00:00Z")
    assert "embed: 1 × Broken at byte #." in said()
    assert "Jobs that are tried again: 0." in said("--retry", "read")
    assert "Jobs that are tried again: 1." in said("--retry")


def test_a_stage_is_paused_and_resumed(job):
    assert "embed is paused by" in said("--pause", "embed", "--reason", "too dear")
    assert pausing.paused() == {"embed"}
    assert "paused" not in said("--resume", "embed")


def test_what_is_missing_is_counted_first(job):
    Job.objects.all().delete()
    assert "embed: 1 missing" in said("--missing", "embed") and not Job.objects.exists()
    assert "Items that will be processed: 1." in said("--missing", "embed", "--yes")


def test_a_stage_that_is_not_there_is_refused(job):
    with pytest.raises(CommandError, match="There is no stage dance"):
        said("--pause", "dance")
    with pytest.raises(CommandError, match="Nothing is configured"):
        said("--missing", "caption")
