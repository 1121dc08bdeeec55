"""What was paid for is told to the meter, also where nothing came of it."""

from __future__ import annotations

import pytest

from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import BadAnswer, BadInput, OutOfBudget, Unreachable
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedInput, Message, Usage
from tests.fake_inference import FakeInference


class Counted(list[Usage]):
    """A meter with a list, and with money as long as it is told so."""

    spent = False

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        if self.spent:
            raise OutOfBudget("The budget is spent.")

    def record(self, usage: Usage) -> None:
        self.append(usage)


@pytest.fixture
def fake():
    with FakeInference() as server:
        yield server


def task() -> ChatTask:
    return ChatTask("", [Message("user", "What is it?")], most_tokens=50)


def test_vectors_that_cannot_be_used_are_paid_for(fake) -> None:
    counted = Counted()
    fake.fault = "nan"
    with pytest.raises(Unreachable):
        fake.client(meter=counted).embed([EmbedInput("red car"), EmbedInput("blue")], purpose="document")
    (usage,) = counted
    assert (usage.operation, usage.tokens, usage.inputs, usage.failed) == ("embed", 3, 0, True)


def test_a_ranking_that_cannot_be_used_is_paid_for(fake) -> None:
    counted = Counted()
    fake.fault = "count"
    with pytest.raises(BadAnswer):
        fake.client(meter=counted).rerank(EmbedInput("car"), [EmbedInput("red car"), EmbedInput("tree")], seconds=5)
    (usage,) = counted
    assert (usage.operation, usage.inputs, usage.tokens > 0, usage.failed) == ("rerank", 2, True, True)


def test_what_the_other_requests_of_a_call_gave_comes_with_the_error(fake) -> None:
    fake.bad_marker = "poison"
    texts = [EmbedInput(f"note {number}") for number in range(40)] + [EmbedInput("poison")]
    with pytest.raises(BadInput) as caught:
        fake.client().embed(texts, purpose="document")
    assert caught.value.index == 40 and set(caught.value.made) == set(range(32))
    assert caught.value.made[7] @ fake.vector("note 7") > 0.9999


def test_a_ranking_that_is_sent_back_in_escapes_is_read(fake) -> None:
    documents = [EmbedInput("\u0441\u043b\u043e\u0432\u043e " * 330)] * 50
    assert len(fake.client().rerank(EmbedInput("\u0441\u043b\u043e\u0432\u043e"), documents, seconds=10).scores) == 50


def test_an_answer_that_says_nothing_of_its_cost_is_not_made_up(fake) -> None:
    counted = Counted()
    fake.fault = "html"
    with pytest.raises(Unreachable):
        fake.client(meter=counted).embed([EmbedInput("red car")], purpose="document")
    assert counted == []


def test_no_call_goes_out_once_the_meter_says_no(fake) -> None:
    counted = Counted()
    client = fake.client(meter=counted)
    client.embed([EmbedInput("red car")], purpose="query")
    calls, counted.spent = fake.calls, True
    for call in (
        lambda: client.embed([EmbedInput("red car")], purpose="query"),
        lambda: client.chat("caption", task(), seconds=5),
        lambda: client.rerank(EmbedInput("car"), [EmbedInput("red car")], seconds=5),
        lambda: client.stream("answer", task(), seconds=5).__enter__(),
    ):
        with pytest.raises(OutOfBudget):
            call()
    assert fake.calls == calls
