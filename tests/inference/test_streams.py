"""Streamed answers: whole ones in whatever pieces they come, and the many ways in which none is whole."""

from __future__ import annotations

import time

import pytest

from searchsite.inference.breaker import Ajar
from searchsite.inference.client import Client
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import BadAnswer, InferenceError, Overloaded, ServerFailed, Unauthorised, Unreachable
from searchsite.inference.types import Message, Piece
from tests import figures
from tests.fake_inference import FakeInference
from tests.recorded import Recorded

TASK = ChatTask("", [Message("user", "Why?")], most_tokens=64, stream=True)
LONG = "Because the harbour freezes – in winter, 冬に – and the boats lie on land. [1]"


@pytest.fixture
def fake():
    with FakeInference() as server:
        server.reply = lambda body: LONG
        yield server


@pytest.fixture
def client(fake) -> Client:
    """Its gate is always open: one broken stream after the other is what is tried."""
    return fake.client(gate=Ajar())


def heard(client: Client, seconds: float = 10) -> list[Piece]:
    with client.stream("answer", TASK, seconds=seconds) as stream:
        return list(stream)


def texts(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("fault", [None, "no_done", "bytes", "comments"])
def test_a_whole_answer_is_whole_in_whatever_pieces_it_comes(fake, client, fault):
    fake.chat_fault = fault
    pieces = heard(client)
    assert texts(pieces) == LONG
    assert [piece.finish for piece in pieces if piece.finish] == ["stop"] == [pieces[-1].finish]
    assert pieces[-1].usage.output_tokens == len(LONG.split())


@pytest.mark.parametrize("fault", ["cut", "ended"])
def test_a_stream_cut_at_any_byte_is_never_taken_for_a_whole_answer(fake, client, fault):
    fake.reply = lambda body: "It is so, is it not – [1], as is said."
    whole = b"".join(fake.chat.events({"model": "fake", "messages": [{"role": "user", "content": "Why?"}]}))
    told = whole.index(b'"finish_reason": "stop"}]}\n\n') + len(b'"finish_reason": "stop"}]}\n\n')
    fake.chat_fault = fault
    for fake.chat.cut_at in range(len(whole)):
        said: list[Piece] = []
        try:
            with client.stream("answer", TASK, seconds=10) as stream:
                said += stream
        except InferenceError as error:
            assert not error.permanent
        else:
            # The server had said that it was the end, and only the mark after it was lost.
            assert said[-1].finish == "stop" and fake.chat.cut_at >= told
        assert "It is so, is it not – [1], as is said.".startswith(texts(said))
    assert len(whole) > 2000
    figures.keep(3, f"F8-{fault}", bytes=len(whole), cuts=len(whole), taken_for_whole=0, unexpected=0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("error_vllm", ServerFailed),
        ("error_flat", ServerFailed),
        ("error_openrouter", Unreachable),
        ("broken_event", BadAnswer),
        ("no_finish", BadAnswer),
        ("html", BadAnswer),
        ("closed", Unreachable),
    ],
)
def test_what_goes_wrong_in_the_midst_is_an_error(fake, client, fault, error):
    fake.chat_fault = fault
    with pytest.raises(error):
        heard(client)


@pytest.mark.parametrize(("fault", "error"), [("401", Unauthorised), ("429", Overloaded), ("500", ServerFailed)])
def test_a_stream_that_does_not_begin_says_why(fake, client, fault, error):
    fake.chat_fault = fault
    with pytest.raises(error):
        heard(client)


def test_openrouter_says_in_its_own_way_that_the_provider_is_gone():
    with Recorded("openrouter") as server:
        server.chat_fault = "error_openrouter"
        embed = server.endpoint()
        client = server.client(gate=Ajar())
        assert client.stages.answer == embed
        with pytest.raises(InferenceError, match="Provider disconnected"):
            heard(client)


def test_a_stream_that_falls_silent_ends_at_the_deadline(fake, client):
    fake.chat_fault = "silent"
    start = time.monotonic()
    with pytest.raises(InferenceError):
        heard(client, seconds=1)
    assert 0.9 < time.monotonic() - start < 8


def test_leaving_a_stream_ends_the_connection_at_once(fake, client):
    fake.chat_fault = "silent"
    start = time.monotonic()
    with client.stream("answer", TASK, seconds=30) as stream:
        assert next(stream).text
    end = time.monotonic() + 10
    while not fake.chat.left and time.monotonic() < end:
        time.sleep(0.02)
    assert fake.chat.left == 1 and time.monotonic() - start < 10


def test_thoughts_are_told_from_the_answer_wherever_they_stand(fake, client):
    fake.chat.thoughts = "Let me see"
    pieces = heard(client)
    assert "".join(piece.thinking for piece in pieces) == "Let me see" and texts(pieces) == LONG
    fake.chat.thoughts = ""
    fake.reply = lambda body: "<think>Let me see, a </thi ng</think>\n\nYes <think> no."
    fake.chat_fault = "bytes"
    pieces = heard(client)
    assert "".join(piece.thinking for piece in pieces) == "Let me see, a </thi ng"
    assert texts(pieces) == "Yes <think> no."
