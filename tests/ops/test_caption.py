"""`manage.py caption`."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from searchsite.jobs.models import Job
from tests import made
from tests.captioned import captioner, fake, questions

__all__ = ["captioner", "fake"]
pytestmark = pytest.mark.django_db


def test_it_has_pictures_captioned_that_no_captioner_saw(captioner, capsys):
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    items = [made.picture(place, colour) for colour in ("red", "blue")]
    made.work_through_everything()
    Job.objects.filter(kind="caption", subject=items[0].pk).delete()
    call_command("caption", "--no-wait")
    assert "Pictures to be captioned: 1." in capsys.readouterr().out
    made.work_through_everything()
    call_command("caption")
    assert capsys.readouterr().out == "Done.\n"
    assert len(questions(captioner)) == 3


def test_without_a_captioner_nobody_captions(fake):
    with pytest.raises(CommandError, match="No captioner is configured"):
        call_command("caption")
