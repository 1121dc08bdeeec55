"""The page of one item."""

from __future__ import annotations

import uuid

import pytest

from searchsite.jobs.models import Job
from searchsite.library.models import Item
from tests.captioned import read_settings_anew
from tests.web.conftest import picture, text


def test_it_shows_a_text_with_its_paragraphs(alice, note):
    page = text(alice.get(f"/items/{note.public_id}"))
    assert "<p>Walnut bread</p>\n<p>Let it rest overnight.</p>" in page and "Recipe" in page and "Inbox" in page


def test_it_asks_again_until_the_stages_are_done(alice, note):
    address = f"/items/{note.public_id}/live"
    assert f'hx-get="{address}"' in text(alice.get(address))
    Job.objects.update(state="done")
    assert "hx-get" not in text(alice.get(address))


def test_what_is_alike_is_searched_for_once(alice, note):
    Job.objects.update(state="done")
    other = Job.objects.get()
    other.pk, other.kind, other.queue, other.state = None, "read", "read", "ready"
    other.save()
    address = f"/items/{note.public_id}"
    assert 'id="alike"' in text(alice.get(address))
    while_it_works = alice.get(f"{address}/live")
    assert "hx-get" in text(while_it_works) and "alike" not in while_it_works.context
    Job.objects.update(state="done")
    assert 'id="alike" aria-labelledby="alike-head" hx-swap-oob="true"' in text(alice.get(f"{address}/live"))


def test_a_failed_stage_says_why_and_can_be_tried_again(alice, note):
    Job.objects.update(state="dead", last_error="The engine was away.")
    assert "The engine was away." in text(alice.get(f"/items/{note.public_id}"))
    answer = alice.post(f"/items/{note.public_id}/retry", {"stage": "embed"}, follow=True)
    assert answer.status_code == 200 and Job.objects.get().state == "ready"


def test_there_is_no_other_stage(alice, note):
    assert alice.post(f"/items/{note.public_id}/retry", {"stage": "\x00"}).status_code == 400


def test_editors_rename(signed_in, note):
    page = signed_in("bob").post(f"/items/{note.public_id}/title", {"title": "Bread"}, follow=True)
    note.refresh_from_db()
    assert note.title == "Bread" and "The title is saved." in text(page)


@pytest.mark.parametrize("title", ["", "  ", "\x00", "\u202e"])
def test_a_title_says_something(alice, note, title):
    assert alice.post(f"/items/{note.public_id}/title", {"title": title}).status_code == 422
    note.refresh_from_db()
    assert note.title == "Recipe"


def test_viewers_look_only(signed_in, note):
    vera = signed_in("vera")
    page = text(vera.get(f"/items/{note.public_id}"))
    assert "Recipe" in page and "Move to trash" not in page and "<textarea" not in page
    for verb in ("title", "retry", "trash"):
        assert vera.post(f"/items/{note.public_id}/{verb}", {"title": "x", "stage": "embed"}).status_code == 403


def test_trash_can_be_undone(alice, note):
    page = text(alice.post(f"/items/{note.public_id}/trash", follow=True))
    assert "“Recipe” is in the trash." in page and alice.get(f"/items/{note.public_id}").status_code == 404
    assert "is in the trash" not in text(alice.get("/"))
    assert "“Recipe” is back." in text(alice.post(f"/items/{note.public_id}/restore", follow=True))


@pytest.mark.parametrize("verb", ["", "/live", "/title", "/retry", "/trash", "/restore"])
def test_a_stranger_finds_nothing(charlie, note, verb):
    address = f"/items/{note.public_id}{verb}"
    answer = charlie.get(address) if verb in ("", "/live") else charlie.post(address, {"title": "x", "stage": "embed"})
    missing = charlie.get(f"/items/{uuid.uuid4()}")
    assert answer.status_code == 404 and answer.content == missing.content


@pytest.mark.parametrize("verb", ["title", "retry", "trash", "restore"])
def test_changes_need_a_post(alice, note, verb):
    assert alice.get(f"/items/{note.public_id}/{verb}").status_code == 405


def test_a_picture_waits_for_its_stages(alice):
    alice.post("/upload", {"file": picture()})
    page = text(alice.get(f"/items/{Item.objects.get().public_id}"))
    assert "being prepared" in page and "meadow" in page and "image/jpeg" in page


@pytest.fixture
def eyes(monkeypatch):
    """A captioner is configured; nobody asks it."""
    for name, value in (("CAPTIONER", "eyes"), ("CAPTION_URL", "http://127.0.0.1:9"), ("CAPTION_DIALECT", "vllm")):
        monkeypatch.setenv(name, value)
    read_settings_anew()
    yield
    monkeypatch.undo()
    read_settings_anew()


def test_a_caption_is_being_written_only_when_somebody_writes_it(alice, eyes):
    alice.post("/upload", {"file": picture()})
    address = f"/items/{Item.objects.get().public_id}"
    assert "Being written…" in text(alice.get(address))
    Job.objects.update(state="done")
    assert "No captioner has looked at it" in text(alice.get(address))
    Job.objects.create(
        kind="caption", queue="caption", team_id=1, subject=Item.objects.get().pk, last_error="The budget is spent."
    )
    page = text(alice.get(address))
    assert "The budget is spent." in page
    assert "Being written…" not in page
