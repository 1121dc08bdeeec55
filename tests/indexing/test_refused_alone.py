"""An input that its provider refuses while it takes others: it keeps nobody waiting, and a person hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from searchsite.indexing import provider, stages, worker
from searchsite.indexing.advice import advice_for
from searchsite.jobs.models import Job
from searchsite.jobs.queue import ALONE_AFTER
from searchsite.jobs.refusing import MOST_REFUSALS, REFUSED_ALONE
from tests import figures, made
from tests.captioned import captioner, pictured
from tests.fake_inference import CHAT, FakeInference
from tests.served import serving

__all__ = ["captioner"]
pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = "2020-01-01T00:00:00Z"


class Choosy(FakeInference):
    """Says 429 to whatever holds a word, and to all while it is away."""

    word = "indigestible"
    away = False
    most: int | None = None
    """Characters that are taken in one request, for all that others use of the same limit."""

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        too_much = self.most is not None and len(json.dumps(body)) > self.most
        if self.away or too_much or self.word in json.dumps(body):
            self.requests.append({"path": path, **body})
            return 429, {"error": {"message": f"tokens per minute: {json.dumps(body)[:60]}"}}
        return super().answer(path, body)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Choosy]:
    with serving(Choosy(), monkeypatch) as server:
        yield server


def work_on(times: int) -> None:
    """Work as if the waits between were over."""
    for _ in range(times):
        worker._pauses.clear()
        provider.gate().passed(provider.configured().host, probe=True)
        Job.objects.filter(state="ready").update(run_at=LONG_AGO)
        Job.objects.filter(refused_at__isnull=False).update(refused_at=LONG_AGO)
        made.work_through_everything()


def state_of(item) -> str:
    return stages.status_of([item])[item.pk].status


def test_it_spoils_no_batch_for_its_neighbours_and_ends_with_a_sentence(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    culprit = made.note(inbox, "the indigestible one")
    notes = [made.note(inbox, f"an innocent note {number}") for number in range(8)]
    work_on(ALONE_AFTER + 2)
    assert {state_of(one) for one in notes} == {"ready"}
    assert state_of(culprit) == "processing"
    before = fake.calls
    work_on(MOST_REFUSALS)
    job = Job.objects.get(subject=culprit.pk, kind="embed")
    assert (job.state, job.last_error, job.attempts) == ("dead", REFUSED_ALONE, 0)
    assert "limit for one request" in advice_for("embed", job.last_error)
    assert fake.calls - before <= 3 * MOST_REFUSALS, "each time something short, then it, then something as long"
    figures.keep(3, "refused-alone", dead=1, neighbours_dead=0, refusals=MOST_REFUSALS)


def test_in_an_outage_nothing_is_held_against_any(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    for number in range(5):
        made.note(inbox, f"an innocent note {number}")
    Job.objects.filter(state="ready").update(refusals=MOST_REFUSALS - 1, refused_at=LONG_AGO)
    fake.away = True
    work_on(3)
    assert set(Job.objects.exclude(state="done").values_list("state", "refusals")) == {("ready", MOST_REFUSALS - 1)}
    fake.away = False
    work_on(1)
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_what_is_large_is_not_to_blame_where_nothing_as_large_is_taken(inbox, fake):
    """A provider that limits what it takes in a minute answers what is short all the same."""
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    large = made.note(inbox, "an innocent and rather long text. " * 20)
    fake.most = 300
    work_on(ALONE_AFTER + 2)
    small = made.note(inbox, "an innocent note")
    work_on(MOST_REFUSALS)
    job = Job.objects.get(subject=large.pk)
    assert (job.state, job.refusals, job.attempts) == ("ready", ALONE_AFTER, 0)
    assert state_of(small) == "ready"
    fake.most = None
    work_on(1)
    assert state_of(large) == "ready"
    figures.keep(3, "refused-for-its-size", refused=MOST_REFUSALS, dead=0)


def test_refusals_count_only_so_often(inbox, fake):
    made.note(inbox, "an innocent first")
    made.work_through_everything()
    culprit = made.note(inbox, "the indigestible one")
    Job.objects.filter(subject=culprit.pk).update(refusals=MOST_REFUSALS - 2, refused_at=LONG_AGO)
    work_on(1)
    for _again in range(3):
        worker._pauses.clear()
        Job.objects.filter(state="ready").update(run_at=LONG_AGO)
        made.work_through_everything()
    job = Job.objects.get(subject=culprit.pk)
    assert (job.state, job.refusals) == ("ready", MOST_REFUSALS - 1)


def test_a_picture_that_its_captioner_alone_refuses_ends_too(inbox, captioner):
    class Fussy(type(captioner)):
        def answer(self, path, body):
            shown = pictured(body) if path == CHAT else ""
            if shown and self.disliked in ("", shown):
                self.shown.append(shown)
                return 429, {"error": {"message": "too many tokens"}}
            return super().answer(path, body)

    captioner.__class__, captioner.shown, captioner.disliked = Fussy, [], ""
    item = made.picture(inbox)
    work_on(2)
    Job.objects.filter(kind="caption").update(refusals=MOST_REFUSALS - 1)
    work_on(2)
    job = Job.objects.get(kind="caption", subject=item.pk)
    assert (job.state, job.refusals) == ("ready", MOST_REFUSALS - 1), "it takes no picture at all"
    captioner.disliked = captioner.shown[0]
    work_on(1)
    job.refresh_from_db()
    assert (job.state, job.last_error) == ("dead", REFUSED_ALONE)
