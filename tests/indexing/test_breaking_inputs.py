"""Inputs that break the server's connection, and a server that answers but has lost what it served."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from searchsite.indexing import provider, stages, worker
from searchsite.inference import client
from searchsite.jobs.models import Job
from searchsite.library import files
from tests import figures, made
from tests.captioned import captioner, pictured, questions
from tests.fake_inference import FakeInference
from tests.served import serving

__all__ = ["captioner"]
pytestmark = pytest.mark.django_db
PICTURED = "image_url"


class Fragile(FakeInference):
    """Hangs up on whoever sends it one word, and is away after so many calls."""

    ends_after: int | None = None
    breaks_on = "crashes"
    fails_on: str | None = None
    """It answers 500 to requests with this in them."""
    slow_above: int | None = None
    """Requests with more characters than this are answered only after `slow_seconds`."""

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asking.body = body
        if self.slow_above is not None and len(json.dumps(body)) > self.slow_above:
            time.sleep(self.slow_seconds)
        if self.ends_after is not None and self.calls >= self.ends_after:
            return 503, {"error": {"message": "away"}}
        if self.fails_on is not None and self.fails_on in json.dumps(body):
            super().answer(path, body)
            return 500, {"error": {"message": "CUDA error"}}
        return super().answer(path, body)

    def fault_of(self, path: str) -> str | None:
        return "closed" if self.breaks_on in json.dumps(self.asking.body) else super().fault_of(path)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    with serving(Fragile(), monkeypatch) as server:
        yield server


def work_on(times: int) -> None:
    """Work as if the waits between were over."""
    for _ in range(times):
        worker._pauses.clear()
        Job.objects.filter(state="ready").update(run_at="2020-01-01T00:00:00Z")
        made.work_through_everything()


def standing_in(requests: list[dict[str, Any]], culprit: str) -> int:
    """How many requests were of noise in the culprit's place."""
    shown = [json.dumps(one) for one in requests if PICTURED in json.dumps(one)]
    return len([one for one in shown if culprit not in one and "image/jpeg" in one])


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Job.objects.filter(kind="embed").values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_what_came_of_a_long_text_before_the_server_went_away_is_not_paid_for_twice(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    item = made.note(inbox, "\n\n".join(f"Passage {number} of many. " + "fine words. " * 150 for number in range(70)))
    parts, before, fake.ends_after = item.parts.count(), fake.inputs, fake.calls + 2
    assert parts > 64
    work_on(1)
    assert fake.inputs - before == 64
    assert stages.status_of([item])[item.pk].status == "processing"
    fake.ends_after = None
    work_on(1)
    # What was refused is asked for after something short, and that is all that it costs more.
    texts = [text for request in fake.requests for text in request.get("input", ()) if "Passage " in text]
    assert (fake.inputs - before, stages.status_of([item])[item.pk].status) == (parts + 1, "ready")
    assert len(texts) == len(set(texts)) == parts, "none was embedded twice"


def test_an_input_that_breaks_the_connection_keeps_no_other_waiting(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    notes = [made.note(inbox, f"an innocent note {number}") for number in range(8)]
    culprit = made.note(inbox, "the culprit crashes")
    work_on(1)
    work_on(8)
    assert {stages.status_of([one])[one.pk].status for one in notes} == {"ready"}
    assert stages.status_of([culprit])[culprit.pk].status == "failed"


@pytest.mark.parametrize("status", [404, 302])
def test_a_server_that_lost_its_network_costs_no_item(inbox, fake, status):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    for number in range(3):
        made.note(inbox, f"an innocent note {number}")
    fake.fault = "404" if status == 404 else "redirect"
    work_on(3)
    fake.fault = None
    work_on(2)
    assert states() == {"done": 4}


def test_a_picture_that_breaks_the_connection_fails_in_the_end(inbox, captioner):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    item = made.picture(inbox)
    work_on(1)
    captioner.breaks_on = next(shown for one in questions(captioner) if (shown := pictured(one)))
    Job.objects.filter(kind="caption").update(state="ready", attempts=0, finished_at=None)
    work_on(5)
    caption = stages.status_of([item])[item.pk].stages["caption"]
    assert (caption.state, "broke the connection" in caption.error) == ("failed", True)


def test_no_picture_is_to_blame_where_its_captioner_describes_none(inbox, captioner):
    """It answers what is short, and breaks every connection over a picture."""
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    item, captioner.breaks_on = made.picture(inbox), PICTURED
    work_on(5)
    assert stages.status_of([item])[item.pk].stages["caption"].state == "waiting"
    captioner.breaks_on = "never said"
    provider.gate().passed(provider.configured().host, probe=True)
    work_on(1)
    assert stages.status_of([item])[item.pk].stages["caption"].state == "done"


@pytest.mark.django_db(transaction=True)
def test_no_text_is_to_blame_where_none_as_long_is_answered_in_time(inbox, fake, monkeypatch):
    """A server that is short of breath: what is short is answered, and what is long is not."""
    monkeypatch.setitem(client.SECONDS, "document", 0.5)
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    long, fake.slow_above, fake.slow_seconds = made.note(inbox, "an innocent and long text. " * 30), 300, 1.0
    work_on(5)
    assert set(Job.objects.filter(subject=long.pk).values_list("state", "attempts")) == {("ready", 0)}
    short = made.note(inbox, "a short one")
    work_on(1)
    assert stages.status_of([short])[short.pk].status == "ready"
    fake.slow_above = None
    work_on(1)
    assert stages.status_of([long])[long.pk].status == "ready"


@pytest.mark.django_db(transaction=True)
def test_no_picture_dies_of_a_server_that_has_lost_its_eyes(inbox, captioner):
    """It answers texts, and 500 to whatever holds a picture, to be embedded or described."""
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    captioner.fails_on, items = PICTURED, [made.picture(inbox, colour) for colour in ("red", "green", "blue")]
    work_on(1)
    before = captioner.calls
    work_on(5)
    calls = captioner.calls - before
    waiting = Job.objects.exclude(state="done")
    assert set(waiting.values_list("kind", "state", "attempts")) == {("embed", "ready", 0), ("caption", "ready", 0)}
    note = made.note(inbox, "an innocent second")
    # It may have failed five times at once, in several threads.
    provider.gate().passed(provider.configured().host, probe=True)
    work_on(2)
    assert stages.status_of([note])[note.pk].status == "ready"
    captioner.fails_on = None
    work_on(2)
    assert {stages.status_of([one])[one.pk].status for one in items} == {"ready"}
    figures.keep(3, "500-to-pictures", pictures=3, dead=0, attempts_lost=0, calls_in_five_rounds=calls)


def test_a_picture_that_its_embedder_alone_fails_on_dies_alone(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    culprit = made.picture(inbox, "red")
    worker.work("decode")
    assert culprit.blob is not None
    fake.fails_on = base64.b64encode(files.view_path(culprit.blob).read_bytes()).decode()
    others = [made.picture(inbox, colour) for colour in ("green", "blue")]
    before = fake.calls
    work_on(4)
    assert {stages.status_of([one])[one.pk].status for one in others} == {"ready"}
    job = Job.objects.get(subject=culprit.pk, kind="embed")
    assert (job.state, job.attempts, "CUDA error" in job.last_error) == ("dead", 3, True)
    assert standing_in(fake.requests[before:], fake.fails_on) == 3, "one with each attempt"


def test_a_new_process_blames_no_text_while_pictures_fail(inbox, monkeypatch):
    """It tries a picture of its own before anything else, where the server's list says too little."""
    monkeypatch.setenv("EMBED_DIALECT", "openai")
    with serving(Fragile(own=False), monkeypatch) as server:
        made.note(inbox, "an innocent first")
        made.work_through_everything()
        notes, server.fails_on = [made.note(inbox, f"an innocent note {number}") for number in range(5)], PICTURED
        provider.forget()
        work_on(4)
        assert set(Job.objects.exclude(state="done").values_list("state", "attempts")) == {("ready", 0)}
        server.fails_on = None
        work_on(1)
        assert {stages.status_of([one])[one.pk].status for one in notes} == {"ready"}


def test_captions_wait_where_nothing_is_answered(inbox, captioner):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    item, captioner.chat_fault = made.picture(inbox), "closed"
    work_on(2)
    assert Job.objects.get(kind="caption").attempts == 0
    captioner.chat_fault = None
    work_on(1)
    assert stages.status_of([item])[item.pk].status == "ready"
