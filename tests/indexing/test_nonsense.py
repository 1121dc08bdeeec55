"""Answers that are none: whatever an embedder sends, no item gets a vector that is not its own, or no vector at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection

from searchsite.indexing import provider, tables, worker
from searchsite.jobs.models import Job
from tests import figures, made
from tests.captioned import captioner
from tests.fake_inference import FakeInference
from tests.served import serving

__all__ = ["captioner"]
pytestmark = pytest.mark.django_db(transaction=True)
BODIES = ("html", "broken_json", "object", "gzip", "oversized", "echo_key")
SHAPES = ("count", "duplicate", "short", "long", "ragged", "shuffled", "twice", "none")
NUMBERS = ("nan", "null", "zero", "huge", "long", "infinite", "words")
SELDOM = {"broken_json", "gzip", "oversized", "echo_key", "long", "ragged", "none", "huge", "infinite", "words"}


class Odd(FakeInference):
    """Spoils its answer wherever a word stands among the inputs."""

    word = "note"

    def fault_of(self, path: str) -> str | None:
        return super().fault_of(path) if self.word in json.dumps(self.asking.body) else None

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asking.body = body
        status, answer = super().answer(path, body)
        if status == 200 and self.fault_of(path) in ("twice", "none", "infinite", "words"):
            _spoil(str(self.fault), answer["data"])
        return status, answer


def _spoil(fault: str, rows: list[dict[str, Any]]) -> None:
    if fault == "twice":
        rows.extend(dict(one) for one in rows[:])
    elif fault == "none":
        rows.clear()
    else:
        rows[-1]["embedding"] = [float("inf") if fault == "infinite" else "one"] * 64


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Odd]:
    with serving(Odd(), monkeypatch) as server:
        yield server


def work_on(times: int) -> None:
    """Work as if the waits between were over."""
    for _ in range(times):
        worker._pauses.clear()
        Job.objects.filter(state="ready").update(run_at="2020-01-01T00:00:00Z")
        made.work_through_everything()


def vectors() -> dict[str, Any]:
    """By the words of its part: each vector that is stored."""
    with connection.cursor() as cursor:
        table = tables.name(made.active_space().pk)
        cursor.execute(f"SELECT part.text, vector::text FROM {table} AS rows JOIN part ON part.id = rows.part_id")
        return {text: np.array(json.loads(vector)) for text, vector in cursor.fetchall()}


def strange(fake: Odd) -> list[str]:
    """What got a vector that the embedder would not have given it."""
    return [text for text, vector in vectors().items() if vector @ fake.vector(text) < 0.99]


def some(*faults: str) -> list[Any]:
    """All of them, some only in the long run."""
    return [pytest.param(one, marks=pytest.mark.long) if one in SELDOM else one for one in faults]


@pytest.mark.parametrize("fault", some(*BODIES, *SHAPES))
def test_nothing_of_an_answer_that_is_none_is_stored(inbox, fake, fault):
    """F5 and F6: 20 items; what can be put in order is."""
    made.note(inbox, "the first")
    made.work_through_everything()
    for number in range(20):
        made.note(inbox, f"note number {number}")
    fake.fault = fault
    work_on(1)
    stored = len(vectors()) - 1
    # The wrong number of the only one is the right one, once each is asked for alone.
    assert stored == 20 if fault == "shuffled" else stored == 0 or fault == "duplicate"
    assert strange(fake) == []
    work_on(2)
    states = set(Job.objects.filter(attempts__gte=1).exclude(state="done").values_list("state", flat=True))
    assert states <= {"dead"}
    assert all(len(one) <= 400 for one in Job.objects.values_list("last_error", flat=True))
    fake.fault = None
    figures.keep(3, f"F5-F6-{fault}", items=20, stored=stored, stored_wrong=0)


@pytest.mark.parametrize("fault", ["html", "400"])
def test_no_item_dies_of_a_server_that_answers_all_with_nonsense(inbox, captioner, fault):
    """A page that says that it is being mended, or that the account is empty: what is short gets the same answer."""
    made.note(inbox, "the first")
    made.work_through_everything()
    captioner.word, captioner.fault, captioner.chat_fault = "", fault, fault
    for number in range(20):
        made.note(inbox, f"note number {number}")
    made.picture(inbox)
    before = captioner.calls
    work_on(4)
    calls = captioner.calls - before
    waiting = Job.objects.exclude(state="done")
    assert set(waiting.values_list("state", "attempts")) == {("ready", 0)} and waiting.count() == 22 + 1
    assert calls <= 16, "until it is left alone: five of them, each with something short after it"
    captioner.fault = captioner.chat_fault = None
    provider.gate().passed(provider.configured().host, probe=True)
    work_on(2)
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    figures.keep(3, f"answers-all-with-{fault}", items=21, dead=0, attempts_lost=0, calls_during=calls)


@pytest.mark.parametrize("fault", some(*NUMBERS))
def test_numbers_that_are_none_cost_their_own_item_alone(inbox, fake, fault):
    """F7: it is tried alone, and has failed after three times; each other has its own vector."""
    made.note(inbox, "the first")
    made.work_through_everything()
    fake.word, fake.fault = "importance", fault
    culprit = made.note(inbox, "of importance")
    for number in range(8):
        made.note(inbox, f"note number {number}")
    work_on(3)
    job = Job.objects.get(subject=culprit.pk)
    assert (job.state, job.attempts) == ("dead", 3) and job.last_error
    assert len(vectors()) == 9 and strange(fake) == []
    with connection.cursor() as cursor:
        table = tables.name(made.active_space().pk)
        cursor.execute(f"SELECT count(*) FROM {table} WHERE NOT abs((vector <=> vector)) < 0.01")
        assert cursor.fetchone() == (0,)
    figures.keep(3, f"F7-{fault}", dead=1, neighbours_dead=0, zero_or_nan_rows=0)


def test_one_poisonous_text_of_many_costs_few_calls(inbox, fake):
    """F23: of 32 in one call one always fails, and the server does not say which."""
    made.note(inbox, "the first")
    made.work_through_everything()

    class Poisoned(Odd):
        def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            status, answer = super().answer(path, body)
            return (500, {"error": {"message": "CUDA error"}}) if "dreadful" in json.dumps(body) else (status, answer)

    fake.__class__ = Poisoned
    for number in range(32):
        made.note(inbox, "dreadful" if number == 13 else f"note number {number}")
    before = [len(request.get("input", [])) for request in fake.requests]
    worker.work("embed")
    calls = [request for request in fake.requests[len(before) :] if request.get("input") != ["a"]]
    assert Job.objects.filter(state="done").count() == 32
    assert len(calls) <= 11 + 1, "2 log2(32) + 1, and something harmless as long as the one"
    work_on(3)
    assert Job.objects.filter(state="dead").count() == 1 and strange(fake) == []
    figures.keep(3, "F23", done=31, dead=1, calls=len(calls))
