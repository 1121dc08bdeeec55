"""The client against a server that misbehaves in every way we know of."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from pydantic import SecretStr

from searchsite.inference import client as client_module
from searchsite.inference.client import Client
from searchsite.inference.errors import (
    BadAnswer,
    BadInput,
    InferenceError,
    NotOffered,
    Overloaded,
    Refused,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput, Picture, Usage
from tests.fake_inference import VECTOR_FAULTS, FakeInference

KEY = "sk-very-secret-key"
PICTURE = Picture(b"picture bytes", "image/webp")

# Answers what it is, then is killed over the first request for vectors.
DYING = """
import os, signal
from tests.fake_inference import FakeInference
class Dying(FakeInference):
    def answer(self, path, body):
        os.kill(os.getpid(), signal.SIGKILL)
with Dying() as fake:
    print(fake.port, flush=True)
    signal.pause()
"""


@pytest.fixture
def fake() -> Iterator[FakeInference]:
    with FakeInference() as server:
        yield server


@pytest.fixture
def client(fake: FakeInference) -> Client:
    return fake.client()


def stages(url: str, network: str, key: SecretStr | None = None) -> Stages:
    return Stages(Endpoint(url, None, network, key))


class Counted(list[Usage]):
    """A meter that lets everything go out."""

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        pass

    def record(self, usage: Usage) -> None:
        self.append(usage)


def texts(*words: str) -> list[EmbedInput]:
    return [EmbedInput(text=word) for word in words]


def fault_of(client: Client, inputs: list[EmbedInput] | None = None) -> InferenceError:
    with pytest.raises(InferenceError) as caught:
        client.embed(inputs or texts("one", "two", "three"), purpose="document")
    return caught.value


def test_it_gives_each_input_its_own_vector_in_order(fake, client):
    inputs = [
        EmbedInput(picture=Picture(bytes([n]), "image/webp")) if n % 3 else EmbedInput(f"t{n}") for n in range(80)
    ]
    found = client.embed(inputs, purpose="document")
    assert found.vectors.shape == (80, 64) and found.vectors.dtype == np.float32
    for place in (0, 3, 78):
        np.testing.assert_allclose(found.vectors[place], fake.vector(f"t{place}"), atol=1e-6)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1)
    assert len(np.unique(found.vectors.round(4), axis=0)) == 80
    again = client.embed(inputs, purpose="document")
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_it_sends_many_texts_and_pictures_in_few_requests(fake, client):
    client.embed(texts(*(f"t{n}" for n in range(64))) + [EmbedInput(picture=PICTURE)] * 16, purpose="document")
    assert (fake.calls, fake.inputs) == (4, 80)


def test_it_embeds_nothing_without_a_call(fake, client):
    assert client.embed([], purpose="document").vectors.shape == (0, 64)
    assert fake.calls == 0


def test_it_tells_the_meter_what_a_call_cost(fake):
    counted = Counted()
    fake.client(meter=counted).embed(texts("red car", "blue"), purpose="query")
    (usage,) = counted
    assert (usage.operation, usage.embedder, usage.calls, usage.inputs, usage.tokens) == ("query", "fake", 1, 2, 3)


@pytest.mark.parametrize(
    "fault",
    [*VECTOR_FAULTS, "html", "broken_json", "object", "gzip", "oversized", "redirect"],
)
def test_it_uses_nothing_of_a_bad_answer(fake, client, fault):
    fake.fault = fault
    error = fault_of(client)
    # What comes of something short, too, is the server's fault. Not all of these faults show in a single vector.
    assert type(error) in (BadAnswer, Unreachable)
    assert error.shared == (type(error) is Unreachable) and not error.permanent


def test_it_puts_shuffled_vectors_in_order(fake, client):
    fake.fault = "shuffled"
    found = client.embed(texts("one", "two", "three"), purpose="document")
    np.testing.assert_allclose(found.vectors[2], fake.vector("three"), atol=1e-6)


def test_it_renormalises_vectors_that_are_nearly_of_length_one(fake, client):
    fake.vector = lambda text, picture="": np.eye(1, 64, dtype=np.float32)[0] * 1.01  # type: ignore[method-assign]
    assert np.allclose(np.linalg.norm(client.embed(texts("a"), purpose="query").vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("status", "kind", "permanent", "shared"),
    [
        # What is refused, or fails, for something short, too, is the server's fault.
        ("400", Unreachable, False, True),
        ("401", Unauthorised, False, True),
        ("402", Unauthorised, False, True),
        ("403", Unauthorised, False, True),
        ("404", NotOffered, True, False),
        ("413", Unreachable, False, True),
        ("429", Overloaded, False, True),
        ("500", Unreachable, False, True),
        ("502", Unreachable, False, True),
        ("503", Overloaded, False, True),
        ("504", Unreachable, False, True),
        ("error_in_200", Overloaded, False, True),
    ],
)
def test_each_status_says_whether_trying_again_helps(fake, client, status, kind, permanent, shared):
    fake.fault = status
    error = fault_of(client)
    assert (type(error), error.permanent, error.shared) == (kind, permanent, shared)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("2.5", 2.5), ("-1", 1), ("99999999", 600), (None, None), ("soon", None), ("nan", None)],
)
def test_it_keeps_retry_after_within_bounds(fake, client, header, seconds):
    fake.fault, fake.retry_after = "429", header
    assert fault_of(client).retry_after == seconds


def test_it_understands_a_date_in_retry_after(fake, client):
    fake.fault, fake.retry_after = "503", format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < (fault_of(client).retry_after or 0) <= 90


@pytest.mark.parametrize("fault", ["drip", "hang"])
def test_a_call_ends_at_its_deadline(fake, client, fault, monkeypatch):
    client.info()
    fake.fault = fault
    monkeypatch.setitem(client_module.SECONDS, "document", 1.0)
    start = time.monotonic()
    assert isinstance(fault_of(client), TooSlow)
    assert 0.9 < time.monotonic() - start < 6


def test_a_dripping_head_ends_at_the_deadline_too(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setitem(client_module.SECONDS, "document", 1.0)

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100:
                        connection.sendall(bytes([byte]))
                        time.sleep(0.1)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        start = time.monotonic()
        error = fault_of(Client(stages(f"http://127.0.0.1:{listener.getsockname()[1]}", "fake")))
        assert isinstance(error, Unreachable) and time.monotonic() - start < 6
        thread.join()


def test_nobody_listening_is_unreachable_and_nobodys_fault(tmp_path):
    for endpoint in (Endpoint("http://127.0.0.1:1", None, "x"), Endpoint("http://x", tmp_path / "none.sock", "x")):
        error = fault_of(Client(Stages(endpoint)))
        assert type(error) is Unreachable and error.shared and not error.permanent


def test_a_server_killed_over_a_request_is_nobodys_fault():
    with subprocess.Popen([sys.executable, "-c", DYING], stdout=subprocess.PIPE, text=True) as fake:
        assert fake.stdout is not None
        port = fake.stdout.readline().strip()
        error = fault_of(Client(stages(f"http://127.0.0.1:{port}", "fake")))
    assert type(error) is Unreachable and error.shared and "broke" in error.message
    assert fake.returncode == -signal.SIGKILL


def test_a_closed_connection_is_unreachable(fake, client):
    client.info()
    fake.fault = "closed"
    assert type(fault_of(client)) is Unreachable


@pytest.mark.parametrize("url", ["ftp://example.org", "http://127.0.0.1:port", "nonsense", ""])
def test_a_malformed_address_is_refused(url):
    assert fault_of(Client(stages(url, "x"))).permanent


def test_the_key_is_sent_and_never_shown(fake):
    fake.key = KEY
    client = fake.client(KEY)
    client.embed(texts("a"), purpose="query")
    fake.fault = "echo_key"
    error = fault_of(client)
    assert "who is Bearer [key]?" in str(error)
    assert KEY not in repr(error) + repr(client) + repr(fake.endpoint(KEY))


def test_a_wrong_or_malformed_key_is_told_without_showing_it(fake):
    fake.key = KEY
    assert type(fault_of(fake.client("sk-other"))) is Unauthorised
    error = fault_of(fake.client("sk-new\nline"))
    assert error.permanent and error.__cause__ is None and "sk-new" not in str(error)


def test_a_bad_input_is_named_by_the_callers_numbering(fake, client):
    inputs = [EmbedInput(picture=PICTURE), *texts("fine", "poison", "fine")]
    error = fault_of(client, inputs)
    assert isinstance(error, BadInput) and error.permanent and error.index == 2


@pytest.mark.parametrize("text", [None, "", " \n\t", "\0"])
def test_an_empty_input_is_refused_before_any_call(fake, client, text):
    error = fault_of(client, [*texts("fine"), EmbedInput(text=text)])
    assert isinstance(error, BadInput) and error.index == 1 and fake.calls == 0


def test_text_that_is_no_text_is_made_harmless(fake, client):
    client.embed(texts("a\0b \ud83d\ude00 \udc00", "c"), purpose="document")
    assert fake.requests[-1]["input"] == ["a b \U0001f600 �", "c"]


def test_documents_give_way_to_questions(fake, client):
    client.embed(texts("a"), purpose="document")
    client.embed(texts("a"), purpose="query")
    assert [request.get("priority") for request in fake.requests] == [1, None]


def test_a_question_does_not_wait_for_a_large_batch(fake, client):
    client.info()
    fake.delay = 0.3
    batch = [EmbedInput(picture=PICTURE)] * 100
    with_batch = threading.Thread(target=client.embed, args=(batch,), kwargs={"purpose": "document"})
    with_batch.start()
    time.sleep(0.1)
    client.embed(texts("quick"), purpose="query")
    assert with_batch.is_alive()
    with_batch.join()


def test_it_reads_pictures(fake, client):
    (reading,) = client.read([PICTURE])
    assert reading.text == "hello world" and reading.words[1].box == (0.5, 0.1, 0.9, 0.2)
    assert client.read([PICTURE], text=False)[0].tags == (("tabby cat", 0.75),)
    fake.reads = False
    with pytest.raises(Refused, match="does not read"):
        fake.client().read([PICTURE])


def test_it_notices_that_another_embedder_took_the_place(fake, client):
    client.embed(texts("a"), purpose="query")
    fake.dimensions = 32
    assert isinstance(fault_of(client, texts("a")), BadAnswer)
    assert client.embed(texts("a"), purpose="query").vectors.shape == (1, 32)


def test_an_unknown_embedder_is_refused(fake):
    with Client(stages(fake.url, "other", SecretStr("k"))) as client:
        error = fault_of(client)
    assert type(error) is NotOffered and "other is not offered there; offered: fake" in str(error)
