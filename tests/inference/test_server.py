"""The inference server with the built-in engine: its wire, its manners under load, its start and stop."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchsite.inference import server
from searchsite.inference.builtin.engine import INFO, Engine
from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.client import Client
from searchsite.inference.errors import BadInput, Overloaded, Refused, Unreachable
from searchsite.inference.lanes import Lane
from searchsite.inference.routes import Routes
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput, Picture
from searchsite.inference.wire import data_url
from tests.inference import drawn

CLOCK = drawn.encoded(drawn.clock())
PROGRAM = "import sys; from pathlib import Path; from searchsite.inference.server import serve; \
serve(Path(sys.argv[1]), Path(sys.argv[2]), lambda: print('ready', flush=True))"


def builtin(place: Path) -> Stages:
    endpoint = Endpoint("http://inference", place, "builtin")
    return Stages(endpoint, read=endpoint)


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: a socket's may hold some hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="inf") as directory:
        yield Path(directory) / "run" / "inference.sock"


@pytest.fixture(scope="module")
def routes(engine: Engine) -> Iterator[Routes]:
    made = Routes(engine)
    yield made
    made.stop(20)


@pytest.fixture
def address(routes: Routes) -> Iterator[tuple[str, int]]:
    with server.listening(("127.0.0.1", 0), routes) as where:
        assert not isinstance(where, Path)
        yield where


@pytest.fixture
def client(place: Path, routes: Routes) -> Iterator[Client]:
    with server.listening(place, routes), Client(builtin(place)) as made:
        yield made


def ask(address: tuple[str, int], body: Any, path: str = "/v1/embeddings") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*address, timeout=30)
    data = body if isinstance(body, bytes) else json.dumps(body)
    connection.request("POST" if body is not None else "GET", path, None if body is None else data)
    answer = connection.getresponse()
    read = json.loads(answer.read())
    connection.close()
    return answer.status, read


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "Represent it."}, {"role": "user", "content": list(parts)}]


def image(picture: Picture = CLOCK) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(picture)}}


def test_texts_and_pictures_come_back_as_the_engine_makes_them(client, engine):
    both = EmbedInput("a clock", CLOCK)
    inputs = [EmbedInput("red car"), EmbedInput(picture=CLOCK), *(EmbedInput(f"text {n}") for n in range(9)), both]
    found = client.embed(inputs, purpose="document")
    picture = engine.embed_picture(open_picture(CLOCK.data))
    np.testing.assert_allclose(found.vectors[0], engine.embed_texts(["red car"])[0][0], atol=1e-6)
    np.testing.assert_allclose(found.vectors[1], picture, atol=1e-6)
    np.testing.assert_allclose(found.vectors[10], engine.embed_texts(["text 8"])[0][0], atol=1e-6)
    np.testing.assert_allclose(found.vectors[11], engine.embed_both("a clock", open_picture(CLOCK.data))[0], atol=1e-6)
    assert found.usage.tokens > 10 and client.info() == INFO


def test_both_encodings_and_both_forms_give_one_vector(address):
    _, numbers = ask(address, {"model": "builtin", "input": "red car", "encoding_format": "float"})
    _, encoded = ask(address, {"input": ["red car"], "encoding_format": "base64"})
    _, talk = ask(address, {"messages": user({"type": "text", "text": "red car"}), "add_special_tokens": True})
    decoded = np.frombuffer(base64.b64decode(encoded["data"][0]["embedding"]), "<f4")
    np.testing.assert_allclose(numbers["data"][0]["embedding"], decoded, atol=1e-7)
    np.testing.assert_allclose(talk["data"][0]["embedding"], decoded, atol=1e-6)
    assert numbers["object"] == "list" and numbers["usage"]["prompt_tokens"] == 4 and numbers["model"] == "builtin"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"input": ""}, 400, "neither text nor picture"),
        ({"input": []}, 400, "at least 1"),
        ({"input": [[1, 2]]}, 400, "string"),
        ({"input": ["a"] * 65}, 400, "at most 64"),
        ({"input": "x" * 200_001}, 400, "at most 200000"),
        ({}, 400, "either"),
        ({"input": "a", "messages": user()}, 400, "either"),
        ({"messages": []}, 400, "at least 1"),
        ({"messages": user()}, 400, "neither text nor picture"),
        ({"messages": user(image(), image())}, 400, "one picture at most"),
        ({"messages": user(image(Picture(b"no picture", "image/png")))}, 400, "broken"),
        ({"messages": user({"type": "image_url", "image_url": {"url": "http://example.org/x.png"}})}, 400, "data: URL"),
        ({"messages": user({"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}})}, 400, "base64"),
        ({"messages": user({"type": "video_url"})}, 400, "video_url"),
        ({"input": "a", "model": "other"}, 404, "not served here"),
        ({"input": "a", "dimensions": 256}, 400, "no shorter form"),
        ({"input": "a", "encoding_format": "hex"}, 400, "encoding_format"),
        (b"{", 400, "Invalid JSON"),
        (b"\xff\xfe", 400, "Invalid JSON"),
        (b'{"input": "\\ud800"}', 400, "Invalid JSON"),
        (b"[" * 100_000, 400, "Invalid JSON"),
    ],
)
def test_a_bad_request_is_told_in_the_shape_of_the_dialect(address, body, status, said):
    code, answer = ask(address, body)
    assert code == status == answer["error"]["code"] and said in answer["error"]["message"]
    assert answer["error"]["type"] in ("BadRequestError", "NotFoundError")


def test_an_unknown_address_a_missing_length_and_a_large_body_are_refused(address):
    assert ask(address, None, "/v1/nothing")[0] == 404 and ask(address, {}, "/health")[0] == 404
    assert ask(address, None, "/health") == (200, {})
    for head, status in (
        ("Transfer-Encoding: chunked", 411),
        (f"Content-Length: {2**40}", 413),
        ("Content-Length: -1", 411),
    ):
        with socket.create_connection(address) as raw:
            raw.sendall(f"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
            assert int(raw.makefile("rb").readline().split()[1]) == status


def test_the_input_at_fault_is_named_among_many(client):
    broken = Picture(CLOCK.data[:100], "image/webp")
    with pytest.raises(BadInput, match="broken") as caught:
        client.embed([*[EmbedInput(picture=CLOCK)] * 10, EmbedInput(picture=broken)], purpose="document")
    assert caught.value.index == 10


def test_it_reads_text_with_places_and_tags(client):
    shot = drawn.encoded(drawn.screenshot(["Connection lost", "Try again"]))
    reading, clock = client.read([shot, CLOCK])
    assert reading.text == "Connection lost\nTry again" and reading.words[2].text == "Try"
    assert clock.tags[0][0] == "analog clock"
    (tags_alone,) = client.read([CLOCK], text=False)
    assert (tags_alone.text, tags_alone.words, tags_alone.tags) == ("", (), clock.tags)


def test_a_question_is_answered_while_pictures_are_read_and_embedded(client):
    page = drawn.encoded(drawn.screenshot([f"Line {n}: the quick brown fox" for n in range(8)], (640, 400)))
    busy = [threading.Thread(target=client.read, args=([page],))]
    documents = [EmbedInput(picture=CLOCK)] * 24 + [EmbedInput("a long text " * 100)] * 8
    busy.append(threading.Thread(target=client.embed, args=(documents,), kwargs={"purpose": "document"}))
    for thread in busy:
        thread.start()
    waits, begun = [], time.monotonic()
    time.sleep(0.1)
    while busy[-1].is_alive():
        start = time.monotonic()
        client.embed([EmbedInput(f"question {len(waits)}")], purpose="query")
        waits.append(time.monotonic() - start)
        time.sleep(0.02)
    # Measured against the work beside it, since the machine may be busy with other things too.
    assert len(waits) > 5 and max(waits) < (time.monotonic() - begun) / 2
    busy[0].join()


def test_an_answer_on_a_kept_connection_does_not_wait_for_an_acknowledgement(address):
    connection, waits = http.client.HTTPConnection(*address, timeout=30), []
    for _ in range(20):
        start = time.monotonic()
        connection.request("POST", "/v1/embeddings", b"{}")
        connection.getresponse().read()
        waits.append(time.monotonic() - start)
    connection.close()
    assert min(waits) < 0.03  # a delayed acknowledgement takes 0.04


def test_a_full_lane_turns_work_away_and_recovers():
    lane, gate = Lane("few", threads=1, places=2), threading.Event()
    holding = threading.Thread(target=lane.run, args=([gate.wait],))
    holding.start()
    time.sleep(0.1)
    with pytest.raises(Overloaded, match="queue for few is full") as caught:
        lane.run([gate.wait, gate.wait])
    assert caught.value.retry_after
    gate.set()
    holding.join()
    assert lane.run([lambda: 7]) == [7] and lane.stop(5)


def test_a_job_that_fails_fails_its_caller_alone():
    lane = Lane("one", threads=1, places=9)
    with pytest.raises(ZeroDivisionError):
        lane.run([lambda: 1 // 0, lambda: 2])
    assert lane.run([lambda: 1, lambda: 2]) == [1, 2] and lane.stop(5)


def refused(client: Client, page: Picture) -> None:
    with pytest.raises(Unreachable):
        client.read([page])


def start(place: Path, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(place), str(cache)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_it_starts_over_a_dead_servers_socket_and_stops_at_a_signal(place, cache):
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with start(place, cache) as running:
            assert running.stdout and running.stdout.readline() == "ready\n"
            assert stat.S_IMODE(place.stat().st_mode) == 0o600 and stat.S_IMODE(place.parent.stat().st_mode) == 0o700
            with Client(builtin(place)) as client:
                assert client.embed([EmbedInput("hello")], purpose="query").vectors.shape == (1, 1024)
            running.send_signal(end)
            assert running.wait(10) == (-signal.SIGKILL if end == signal.SIGKILL else 0)
            assert place.exists() == (end == signal.SIGKILL)


def test_it_stops_within_seconds_in_the_middle_of_reading(place, cache):
    page = drawn.encoded(drawn.screenshot([f"Line {n}: the quick brown fox" for n in range(40)], (1900, 1900)))
    with start(place, cache) as running, Client(builtin(place)) as client:
        assert running.stdout and running.stdout.readline() == "ready\n"
        reading = threading.Thread(target=refused, args=(client, page))
        reading.start()
        time.sleep(1)
        running.terminate()
        assert running.wait(20) == 0
        reading.join()


def test_a_second_server_is_refused_in_one_sentence(place, routes):
    with server.listening(place, routes):
        with pytest.raises(server.CannotServe, match="already answers on"), server.listening(place, routes):
            pass
        with Client(builtin(place)) as client:
            assert client.info().name == "builtin"


def test_a_place_it_cannot_have_is_told_in_one_sentence(place, routes, tmp_path):
    place.parent.mkdir()
    place.write_text("not a socket")
    for where in (place, tmp_path / ("x" * 120), ("192.0.2.1", 1)):
        with pytest.raises(server.CannotServe), server.listening(where, routes):
            pass
    assert place.read_text() == "not a socket"


def test_the_client_refuses_a_name_that_is_not_served(place, routes):
    endpoint = Endpoint("http://inference", place, "gpt")
    refusal = pytest.raises(Refused, match="gpt is not offered there")
    with server.listening(place, routes), Client(Stages(endpoint)) as client, refusal:
        client.info()
