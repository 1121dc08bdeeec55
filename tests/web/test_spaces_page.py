"""The operators' page of spaces: estimate, build, activate, roll back, cancel and drop."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from searchsite.accounts.models import User
from searchsite.indexing import estimates, provider
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from tests import captioned, made
from tests.fake_inference import FakeInference
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(signed_in) -> Client:
    """alice, who leads the house as well."""
    User.objects.filter(username="alice").update(is_superuser=True)
    return signed_in("alice")


@pytest.fixture
def library(garden, fake: FakeInference) -> Space:
    """Two notes in the space of an embedder that is not configured any more."""
    place = made.place(User.objects.get(username="alice"), garden)
    made.note(place, "Tulips want sun.")
    made.note(place, "Roses want rain.")
    made.work_through_everything()
    Space.objects.update(embedder="earlier")
    return made.active_space()


def test_operators_alone_see_it(alice, garden):
    assert alice.get("/spaces").status_code == 403
    for verb in ("estimate", "build", "caption", "rollback", "1/activate", "1/cancel", "1/drop"):
        assert alice.post(f"/spaces/{verb}").status_code == 403


def test_nothing_is_changed_by_a_link(operator, library):
    assert operator.get("/spaces/build").status_code == 405
    assert operator.get(f"/spaces/{library.pk}/drop").status_code == 405


def test_operators_are_told_on_every_page_that_another_embedder_is_configured(operator, alice, library, fake):
    assert "Configured: fake; answering: earlier." in text(operator.get("/"))
    User.objects.filter(username="alice").update(is_superuser=False)
    assert "Configured: fake" not in text(alice.get("/"))


def test_the_estimate_comes_before_the_button_that_builds(operator, library):
    assert "Build it beside" not in text(operator.get("/spaces"))
    page = text(operator.post("/spaces/estimate"))
    assert "Build it beside" in page
    assert "$0.00" in page
    assert "64 numbers a vector" in page
    assert '<div class="estimate" role="status" tabindex="-1" autofocus>' in page


def test_it_is_built_activated_and_rolled_back(operator, library):
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    assert "0 of 2 parts" in text(operator.get("/spaces"))
    refused = text(operator.post(f"/spaces/{new.pk}/activate", follow=True))
    assert "2 parts have no vectors in fake (64) yet" in refused
    assert "Although parts lack vectors" in refused
    made.work_through_everything()
    assert "fake (64) answers now." in text(operator.post(f"/spaces/{new.pk}/activate", follow=True))
    assert made.active_space() == new
    assert "earlier (64) answers again" in text(operator.post("/spaces/rollback", follow=True))
    assert made.active_space() == library


def test_building_can_be_cancelled_and_a_retired_space_dropped(operator, library):
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    operator.post(f"/spaces/{new.pk}/cancel")
    assert not Space.objects.filter(pk=new.pk).exists()
    Space.objects.filter(pk=library.pk).update(status="retired", retired_at="2020-01-01T00:00:00Z")
    operator.post(f"/spaces/{library.pk}/drop")
    assert not Space.objects.exists()


def test_progress_is_shown_as_it_goes(operator, library):
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    made.work_through_everything()
    part = operator.get(f"/spaces/{new.pk}/live?state=full", headers={"HX-Request": "true"})
    assert "2 of 2 parts" in text(part)
    assert "Full: activate it" in text(operator.get("/spaces"))
    anew = operator.get(f"/spaces/{new.pk}/live?state=building", headers={"HX-Request": "true"})
    assert anew["HX-Refresh"] == "true"
    other = operator.get(f"/spaces/{new.pk}/live?state=active", headers={"HX-Request": "true"})
    assert other["HX-Refresh"] == "true"
    assert operator.get("/spaces/999999/live").status_code == 404


def test_an_embedder_that_is_away_is_said_to_be(operator, library, fake):
    fake.__exit__()
    provider.forget()
    assert 'class="notice error"' in text(operator.post("/spaces/build", follow=True))
    assert Space.objects.count() == 1


def test_pictures_without_captions_are_counted_priced_and_asked_for(operator, garden, fake, monkeypatch):
    made.picture(made.place(User.objects.get(username="alice"), garden))
    made.work_through_everything()
    Space.objects.update(embedder="earlier")
    assert "Caption them" not in text(operator.get("/spaces"))
    assert "No captioner is configured" in text(operator.post("/spaces/caption", follow=True))
    for name, value in captioned.settings(fake).items():
        monkeypatch.setenv(name, value)
    captioned.read_settings_anew()
    assert "No captioner has looked at 1 picture:" in text(operator.get("/spaces"))
    assert "for 1 picture that no captioner has looked at" in text(operator.post("/spaces/estimate"))
    asked = text(operator.post("/spaces/caption", follow=True))
    assert "Pictures to be captioned: 1." in asked
    assert "Caption them" not in asked
    captioned.read_settings_anew()


def test_the_way_to_what_is_configured_depends_on_the_space_there_is(operator, library, capsys):
    assert "Build a space for it" in text(operator.get("/"))
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    assert "Its space is being built" in text(operator.get("/"))
    call_command("spaces")
    assert f"Space {new.pk} is being built, and lacks 2 parts." in capsys.readouterr().out
    made.work_through_everything()
    operator.post(f"/spaces/{new.pk}/activate")
    operator.post("/spaces/rollback")
    assert f"Activate space {new.pk}" in text(operator.get("/"))
    page = text(operator.get("/spaces"))
    assert f"Space {new.pk} has all its vectors" in page
    assert "Estimate price" not in page
    call_command("spaces")
    assert f"`manage.py spaces activate {new.pk}` lets it answer" in capsys.readouterr().out


def test_a_space_that_stands_still_says_why_and_a_retired_one_has_no_pace(operator, library, capsys):
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    Job.objects.filter(space_id=new.pk).update(last_error="gpu.example cannot be reached.")
    assert "Waiting: gpu.example cannot be reached." in text(operator.get("/spaces"))
    call_command("spaces")
    assert "0 of 2 parts (0 %), waiting: gpu.example cannot be reached." in capsys.readouterr().out
    made.work_through_everything()
    operator.post(f"/spaces/{new.pk}/activate")
    Space.objects.filter(pk=new.pk).update(status="retired")
    assert estimates.progress(Space.objects.get(pk=new.pk)).rate == 0
    call_command("spaces")
    assert "a second" not in capsys.readouterr().out


def test_a_retired_space_offers_one_way_back_and_says_how_long_it_is_kept(operator, library, capsys):
    operator.post("/spaces/build")
    new = Space.objects.exclude(pk=library.pk).get()
    with pytest.raises(CommandError, match="--force lets it answer all the same"):
        call_command("spaces", "activate", str(new.pk))
    made.work_through_everything()
    operator.post(f"/spaces/{new.pk}/activate")
    page = text(operator.get("/spaces"))
    assert "Roll back to it" in page
    assert "Activate…" not in page
    assert "Although parts lack vectors" not in page
    assert "Kept until" in page
    call_command("spaces")
    assert "kept until" in capsys.readouterr().out
