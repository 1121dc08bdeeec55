"""A server that fails is left alone, tried now and then, and believed again once it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from searchsite.inference.breaker import Breaker, Pace
from searchsite.inference.client import Client
from searchsite.inference.errors import (
    BadAnswer,
    InferenceError,
    Overloaded,
    Refused,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.slots import AT_ONCE
from searchsite.inference.types import EmbedInput
from tests.fake_inference import FakeInference

PACE = Pace(failures=5, probe_seconds=0.4)
LONG = Pace(failures=5, probe_seconds=60)


@pytest.fixture
def fake() -> Iterator[FakeInference]:
    with FakeInference() as server:
        yield server


def client_of(fake: FakeInference, pace: Pace = PACE) -> Client:
    client = fake.client(gate=Breaker(pace))
    client.info()
    return client


def ask(client: Client, word: str = "one", **options: str) -> InferenceError | None:
    """What comes of embedding a document."""
    try:
        client.embed([EmbedInput(text=word)], purpose="document")
    except InferenceError as error:
        return error
    return None


@pytest.mark.parametrize("fault", ["502", "closed", "500"])
def test_after_five_failures_in_a_row_nothing_is_sent(fake, fault):
    client = client_of(fake, LONG)
    fake.fault = fault
    errors = [ask(client) for _ in range(30)]
    assert fake.calls <= 6
    assert all(error is not None and error.shared for error in errors)
    assert "left alone" in str(errors[-1]) and 1 <= (errors[-1].retry_after or 0) <= 61


def test_refusals_that_name_no_time_are_heeded_longer_each_time(fake):
    client = client_of(fake, LONG)
    fake.fault = "503"
    assert [type(ask(client)) for _ in range(20)] == [Overloaded] * 20
    assert fake.calls == 3
    time.sleep(1.2)
    assert [type(ask(client)) for _ in range(20)] == [Overloaded] * 20
    assert fake.calls == 4


def test_one_call_at_a_time_finds_out_whether_it_is_back(fake):
    client = client_of(fake)
    fake.fault = "502"
    while "left alone" not in str(ask(client)):
        pass
    fake.delay = 0.1
    before = fake.calls
    time.sleep(PACE.probe_seconds)
    threads = [threading.Thread(target=ask, args=(client,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.calls == before + 1
    assert fake.requests[-1]["input"] == ["a"], "the probe is something short, whatever was to be embedded"
    fake.fault = None
    time.sleep(PACE.probe_seconds)
    assert ask(client) is None and ask(client) is None


def test_a_success_between_failures_starts_the_count_anew(fake):
    client = client_of(fake, LONG)
    for _ in range(5):
        fake.fault = "502"
        assert [type(ask(client)) for _ in range(4)] == [Unreachable] * 4
        fake.fault = None
        assert ask(client) is None


def test_what_the_server_asked_for_is_kept_to_the_letter(fake):
    client = client_of(fake)
    fake.fault, fake.retry_after = "429", "1"
    assert type(ask(client)) is Overloaded
    fake.fault, before = None, fake.calls
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        error = ask(client)
        assert type(error) is Overloaded and 0 < (error.retry_after or 0) <= 1.2
    assert fake.calls == before
    time.sleep(0.3)
    assert ask(client) is None


@pytest.mark.parametrize("status", ["401", "402", "403"])
def test_a_key_that_is_refused_stops_the_server_at_once(fake, status):
    client = client_of(fake)
    fake.fault = status
    assert [type(ask(client)) for _ in range(10)] == [Unauthorised] * 10
    assert fake.calls == 1
    fake.fault = None
    time.sleep(PACE.probe_seconds)
    assert ask(client) is None


def test_a_text_that_always_fails_does_not_shut_the_server(fake):
    class Poisoned(FakeInference):
        def answer(self, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
            status, answer = super().answer(path, body)
            return (500, {"error": {"message": "CUDA error"}}) if "dreadful" in str(body) else (status, answer)

    with Poisoned() as server:
        client = client_of(server, LONG)
        errors = [ask(client, "dreadful") for _ in range(12)]
        assert {type(error) for error in errors} == {ServerFailed}
        assert ask(client, "fine") is None


def test_a_server_that_always_fails_is_nobodys_fault(fake):
    client = client_of(fake, LONG)
    fake.fault = "500"
    errors = [ask(client) for _ in range(10)]
    assert [error.shared for error in errors if error] == [True] * 10
    assert fake.calls <= 6


@pytest.mark.parametrize("fault", ["html", "400"])
def test_a_server_that_answers_all_with_a_page_or_a_refusal_is_away(fake, fault):
    client = client_of(fake, LONG)
    fake.fault = fault
    assert [type(ask(client)) for _ in range(10)] == [Unreachable] * 10
    assert fake.calls == 10, "five of them, each with something short after it"
    assert "left alone" in str(ask(client))


@pytest.mark.parametrize("fault", ["html", "400"])
def test_while_it_stays_away_little_is_sent_and_then_it_is_believed(fake, fault):
    client = client_of(fake)
    fake.fault = fault
    assert "left alone" in [str(ask(client)) for _ in range(6)][-1]
    before = fake.calls
    time.sleep(PACE.probe_seconds + 0.1)
    assert [type(ask(client)) for _ in range(5)] == [Unreachable] * 5
    assert fake.calls - before <= 2
    fake.fault = None
    time.sleep(PACE.probe_seconds + 0.1)
    assert ask(client) is None


@pytest.mark.parametrize(("fault", "kind"), [("html", BadAnswer), ("400", Refused)])
def test_an_input_whose_answer_makes_no_sense_does_not_shut_the_server(fake, fault, kind):
    class Picky(FakeInference):
        def fault_of(self, path: str) -> str | None:
            return fault if "dreadful" in str(self.requests[-1]) else None

    with Picky() as server:
        client = client_of(server, LONG)
        assert {type(ask(client, "dreadful")) for _ in range(8)} == {kind}
        assert server.calls == 16, "something short after each"
        assert ask(client, "fine") is None


def test_nothing_short_is_sent_while_a_server_asks_for_rest(fake):
    class Torn(FakeInference):
        """Asks for rest, and fails on what was on its way, one after the other."""

        def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            status, answer = super().answer(path, body)
            word = body["input"][0]
            if not word.isdigit():
                return status, answer
            time.sleep(0.2 * int(word))
            self.retry_after = "30" if word == "1" else None
            return (429 if word == "1" else 500), {"error": {"message": "not now"}}

    with Torn() as server:
        client = client_of(server, LONG)
        with ThreadPoolExecutor(4) as threads:
            errors = list(threads.map(lambda word: ask(client, word), "1234"))
        assert server.calls == 4, "and no short call after the fourth failure"
        assert all(error is not None and error.shared for error in errors)
        assert 20 < (errors[3].retry_after or 0) <= 31


def test_what_waits_for_its_turn_is_not_sent_once_a_server_asks_for_rest(fake):
    client = client_of(fake, LONG)
    fake.delay, fake.fault, fake.retry_after = 0.5, "429", "30"
    with ThreadPoolExecutor(24) as threads:
        errors = list(threads.map(lambda number: ask(client, f"n{number}"), range(24)))
    assert fake.calls == AT_ONCE == 16
    assert [type(error) for error in errors] == [Overloaded] * 24


def test_a_question_does_not_wait_while_the_gate_is_shut(fake):
    client = client_of(fake, LONG)
    fake.fault = "503"
    while "left alone" not in str(ask(client)):
        time.sleep(0.05)
    start, calls = time.monotonic(), fake.calls
    with pytest.raises(InferenceError):
        client.embed([EmbedInput(text="q")], purpose="query")
    assert fake.calls == calls and time.monotonic() - start < 2


def test_a_deadline_that_was_short_tells_nothing_of_the_server(fake):
    client = client_of(fake, LONG)
    fake.delay = 0.3
    for _ in range(6):
        with pytest.raises(TooSlow):
            client.rerank(EmbedInput(text="q"), [EmbedInput(text="d")], seconds=0.05)
    fake.delay = 0
    assert ask(client) is None


def test_networks_of_one_host_share_what_is_known(fake):
    client = client_of(fake, LONG)
    fake.fault = "402"
    assert type(ask(client)) is Unauthorised
    with pytest.raises(Unauthorised, match=r"^[^ ]+ refuses the key, or it is not paid for: (?!127)"):
        client.rerank(EmbedInput(text="q"), [EmbedInput(text="d")], seconds=5)
