"""Which calls are tried again, and which are not; deadlines, caps and secrets."""

from __future__ import annotations

import gzip
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from searchsite.inference.client import Client
from searchsite.inference.deadline import Clock, connected
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import (
    BadAnswer,
    Busy,
    InferenceError,
    NotOffered,
    Refused,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.slots import Slots
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput, Message
from tests import figures
from tests.fake_inference import FakeInference

KEY = "sk-or-v1-0123456789abcdef"
WORD = [EmbedInput(text="word")]
TALK = ChatTask("", [Message("user", "What is there?")], most_tokens=50)


class Faltering(FakeInference):
    """Fails as often as it is told, then answers."""

    failures = 0
    status = 503
    body: dict[str, Any] = {"error": {"message": "not now"}}

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.failures:
            self.failures -= 1
            self.requests.append({"path": path, **body})
            return self.status, self.body
        return super().answer(path, body)


@pytest.fixture
def fake() -> Iterator[Faltering]:
    with Faltering() as server:
        yield server


@pytest.fixture
def client(fake: Faltering) -> Client:
    client = fake.client()
    client.info()
    return client


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 524, 529])
def test_a_question_is_asked_again_where_that_can_help(fake, client, status):
    fake.failures, fake.status = 2, status
    client.embed(WORD, purpose="query")
    assert fake.calls == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_cannot_pass_is_asked_once(fake, client, status):
    fake.failures, fake.status = 9, status
    with pytest.raises(InferenceError):
        client.embed(WORD, purpose="query")
    assert fake.calls == 1


def test_a_402_that_says_when_to_come_back_passes(fake, client):
    fake.failures, fake.status, fake.retry_after = 1, 402, "1"
    client.embed(WORD, purpose="query")
    assert fake.calls == 2


def test_documents_are_left_to_the_job_table(fake, client):
    fake.failures = 1
    with pytest.raises(InferenceError):
        client.embed(WORD, purpose="document")
    fake.failures = 1
    with pytest.raises(InferenceError):
        client.chat("caption", TALK, seconds=5)
    assert fake.calls == 2


def test_a_wait_that_is_too_long_is_left_to_the_caller(fake, client):
    fake.failures, fake.retry_after = 1, "30"
    start = time.monotonic()
    with pytest.raises(InferenceError) as caught:
        client.embed(WORD, purpose="query")
    assert caught.value.retry_after == 30 and time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("headers", "metadata", "least", "most"),
    [
        ({"Retry-After": "7"}, {}, 7, 7),
        ({"retry-after-ms": "4500", "Retry-After": "9"}, {}, 4.5, 4.5),
        ({"Retry-After": "-1"}, {}, 1, 1),
        ({"Retry-After": "99999999"}, {}, 600, 600),
        ({"Retry-After": "DATE"}, {}, 300, 400),
        ({}, {"retry_after_seconds": 17}, 17, 17),
    ],
)
def test_when_to_come_back_is_understood_in_every_form(headers, metadata, least, most):
    body = b'{"error": {"code": 429, "message": "Provider returned error", "metadata": %s}}'
    raw = body % str(metadata).replace("'", '"').encode()
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=400), usegmt=True)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).replace("DATE", date)
    with served(lambda _: f"HTTP/1.1 429 Slow down\r\n{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw) as url:
        error = fault_of(Client(Stages(Endpoint(url, None, "x", None, "openrouter"))))
    assert least <= (error.retry_after or 0) <= most


def test_a_server_is_not_asked_more_than_so_much_at_a_time():
    slots = Slots(at_once=1, streams=1)
    with slots.call(time.monotonic() + 1, "x"), pytest.raises(Busy), slots.call(time.monotonic() + 0.1, "x"):
        pass
    with slots.call(time.monotonic() + 0.1, "x"):
        pass


def test_a_refusal_names_what_is_offered_where_the_network_is_not(fake):
    endpoint = Endpoint(fake.url, None, "Qwen/Qwen3-8B", None, "vllm")
    fake.failures, fake.status = 1, 404
    with Client(Stages(endpoint, answer=endpoint)) as client, pytest.raises(NotOffered, match="offered: fake"):
        client.chat("answer", TALK, seconds=5)


@pytest.mark.parametrize("stage", ["caption", "answer"])
def test_a_stage_that_nobody_serves_is_refused(fake, stage):
    with Client(Stages(fake.endpoint())) as client, pytest.raises(Refused, match="is configured"):
        client.chat(stage, TALK, seconds=1)


def test_a_drip_ends_at_the_deadline():
    """F4: one byte after the other, each well within any timeout of a single read."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with served(lambda connection: drip(connection, head + b" " * 1000)) as url:
        endpoint = Endpoint(url, None, "x")
        with Client(Stages(endpoint, answer=endpoint)) as client:
            for seconds in (0.5, 1.5):
                start = time.monotonic()
                with pytest.raises(TooSlow):
                    client.chat("answer", TALK, seconds=seconds)
                late = time.monotonic() - start - seconds
                assert 0 <= late < 5
                figures.keep(3, f"F4-{seconds}", deadline=seconds, late_ms=round(1000 * late))


@pytest.mark.parametrize("body", [b"", b'{"data": [{"index": 0, "emb'])
def test_an_answer_without_a_length_that_ends_too_soon_was_cut(body):
    with served(lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + body) as url:
        error = fault_of(Client(Stages(Endpoint(url, None, "x"))))
    assert isinstance(error, Unreachable) and "broke the connection" in str(error)


def test_a_gzip_bomb_costs_no_memory():
    """F9: a body of 300 MB in 300 kB."""
    bomb = gzip.compress(b"0" * 300_000_000, compresslevel=1)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with served(lambda _: head + bomb) as url:
        assert isinstance(fault_of(Client(Stages(Endpoint(url, None, "x")))), BadAnswer)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000
    figures.keep(3, "F9", sent_kb=len(bomb) // 1024, unpacked_mb=300, grown_kb=grown)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize("cut", [0, 190, 195])
def test_a_key_that_a_server_sends_back_is_never_shown(status, cut):
    said = "x" * cut + f" Bearer {KEY} is not known"
    raw = f'{{"error": {{"code": {max(status, 400)}, "message": "{said}"}}}}'.encode()
    with served(lambda _: f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw) as url:
        client = Client(Stages(Endpoint(url, None, "x", SecretStr(KEY), "openai")))
        error = fault_of(client)
    shown = f"{error!r} {error} {error.__cause__!r} {error.__context__!r} {client!r} {client.stages!r}"
    assert KEY[:10] not in shown


def test_a_key_that_is_sent_back_in_json_escapes_is_not_shown():
    """PHP writes a slash with a backslash before it."""
    key = "sk/abc+def/0123456789"
    raw = b'{"error": {"message": "no such key: %s"}}' % key.replace("/", "\\/").encode()
    with served(lambda _: b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw) as url:
        error = fault_of(Client(Stages(Endpoint(url, None, "x", SecretStr(key), "openai"))))
    assert "no such key: [key]" in str(error) and "0123456789" not in repr(error)


def test_errors_inside_a_200_are_errors(fake, client):
    fake.failures, fake.status, fake.body = 9, 200, {"error": {"code": 402, "message": "Insufficient credits"}}
    with pytest.raises(Unauthorised, match="Insufficient credits"):
        client.chat("answer", TALK, seconds=5)


def fault_of(client: Client) -> InferenceError:
    with client, pytest.raises(InferenceError) as caught:
        client.embed(WORD, purpose="document")
    return caught.value


def drip(connection: socket.socket, data: bytes) -> bytes:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)
    return b""


def test_the_addresses_of_a_host_share_the_time_to_connect():
    with deaf() as first, deaf() as second, socket.create_server(("127.0.0.1", 0)) as third:
        clock = Clock()
        clock.end = time.monotonic() + 1.5
        family = socket.AF_INET
        connected([(family, first), (family, second), (family, third.getsockname())], clock).close()
        clock.end = time.monotonic() + 0.6
        with pytest.raises(TimeoutError):
            connected([(family, first), (family, second)], clock)
        assert time.monotonic() - clock.end < 5


@contextmanager
def deaf() -> Iterator[Any]:
    """The address of a server that takes no more connections."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


@contextmanager
def served(answer: Callable[[socket.socket], bytes]) -> Iterator[str]:
    """A server that answers every request with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(1_000_000)
                    connection.sendall(answer(connection))
                except OSError:
                    return

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
