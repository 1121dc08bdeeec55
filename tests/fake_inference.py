"""A small inference server that speaks the wire: vectors follow from the content, faults are switched on by name.

    with FakeInference() as fake:
        fake.fault = "nan"
        fake.client().embed(...)

Texts that share words have near vectors. A picture's vector comes from its bytes. It counts what it is asked.
It chats and reranks, too: `fake.chat` (tests/fake_chat.py) says what, and how a chat goes wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from pydantic import SecretStr

from searchsite.config import ROOT
from searchsite.inference.breaker import Gate
from searchsite.inference.client import Client
from searchsite.inference.metering import Meter
from searchsite.inference.stages import Endpoint, Stages
from searchsite.priority import step_back
from tests.fake_chat import FakeChat, ranked

DRIP_SECONDS = 0.2
HANG_SECONDS = 30.0
ERROR_IN_200 = {"error": {"message": "provider returned error", "code": 429}}
CHAT = "/v1/chat/completions"
VECTOR_FAULTS = ("count", "duplicate", "nan", "null", "huge", "zero", "long", "short", "ragged")
"""Answers of the right shape that hold the wrong vectors; "shuffled" is one that can be put right."""
OTHER_FAULTS = (
    "html",
    "broken_json",
    "object",
    "error_in_200",
    "gzip",
    "oversized",
    "drip",
    "hang",
    "closed",
    "redirect",
)
"""Besides these, "echo_key" and any status, such as "429"."""
BEFORE_ALL = (*OTHER_FAULTS, "echo_key")
"""What goes wrong in the same way with every answer, streamed or not."""


class FakeInference:
    """A server in a thread. `own` true: it describes itself as our inference server does; false: as vLLM does."""

    def __init__(self, *, dimensions: int = 64, embedder: str = "fake", own: bool = True) -> None:
        self.dimensions = dimensions
        self.embedder = embedder
        self.own = own
        self.reads = True
        self.legible = True
        """Whether there is text in pictures."""
        self.pictures = True
        self.matryoshka = False
        self.key: str | None = None
        self.fault: str | None = None
        self.fault_every = 1
        """Only each n-th request for vectors or readings is faulty."""
        self.retry_after: str | None = None
        self.delay = 0.0
        self.bad_marker = "poison"
        """A text holding this word is refused as bad input."""
        self.slow_marker: str | None = None
        """A request with this word in it is answered only after `slow_seconds`."""
        self.slow_seconds = 2.0
        self.chat = FakeChat()
        self.networks: tuple[str, ...] = ()
        """Names in the list beside the embedder's."""
        self.requests: list[dict[str, Any]] = []
        self.inputs = 0
        self.asking = threading.local()
        """While a request is answered: the port that it came from, and whatever a test notes of it."""
        self._lock = threading.Lock()
        self._clients: list[Client] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> FakeInference:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def calls(self) -> int:
        """Requests for vectors or readings so far."""
        return len(self.requests)

    def endpoint(self, key: str | None = None) -> Endpoint:
        return Endpoint(self.url, None, self.embedder, SecretStr(key) if key else None)

    def stages(self, key: str | None = None, **fields: Any) -> Stages:
        """This server for every stage; fields: of its endpoint."""
        endpoint = replace(self.endpoint(key), **fields)
        return Stages(endpoint, endpoint, endpoint, endpoint, endpoint)

    def client(self, key: str | None = None, *, meter: Meter | None = None, gate: Gate | None = None) -> Client:
        """A client of this server, for every stage, that is closed with it."""
        return self.kept(Client(self.stages(key), meter=meter, gate=gate))

    def kept(self, client: Client) -> Client:
        """The client, which is closed with this server."""
        self._clients.append(client)
        return client

    def vector(self, text: str, picture: str = "") -> np.ndarray[Any, np.dtype[np.float32]]:
        """The unit vector of a text, a picture's data URL, or both."""
        parts = [word for word in text.lower().split() if word] + ([picture] if picture else [])
        total = sum((self._hashed(part) for part in parts), np.zeros(self.dimensions))
        return (total / np.linalg.norm(total)).astype(np.float32)

    def _hashed(self, part: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        seed = int.from_bytes(hashlib.sha256(part.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.dimensions)

    def models(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"id": self.embedder, "object": "model", "root": "/weights", "max_model_len": 8192}
        if self.own:
            entry["searchsite"] = {
                "revision": "1",
                "dimensions": self.dimensions,
                "mrl": self.matryoshka,
                "modalities": ["image", "text"] if self.pictures else ["text"],
                "notes": ["Qfake qknows qnothing."],
                "reads": self.reads,
                "captions": False,
                "prompt": "plain",
                "conversations": 8,
                "priority": True,
            }
        others = [{"id": name, "object": "model", "root": "/weights"} for name in self.networks]
        return {"object": "list", "data": [entry, *others]}

    def listing(self, path: str) -> tuple[int, Any]:
        """The answer to any GET."""
        return 200, self.models()

    @property
    def reply(self) -> Callable[[dict[str, Any]], str]:
        """Makes the text of a chat's answer."""
        return self.chat.reply

    @reply.setter
    def reply(self, reply: Callable[[dict[str, Any]], str]) -> None:
        self.chat.reply = reply

    @property
    def chat_fault(self) -> str | None:
        """What goes wrong with a chat: see CHAT_FAULTS."""
        return self.chat.fault

    @chat_fault.setter
    def chat_fault(self, fault: str | None) -> None:
        self.chat.fault = fault

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The requests to one path so far."""
        return [request for request in self.requests if request["path"] == path]

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.requests.append({"path": path, **body})
        if path == "/v1/read":
            return self._readings(body)
        if path == CHAT and self.chat.sees_alone and "image_url" not in json.dumps(body):
            return 400, {"error": {"message": "a picture is wanted", "type": "BadRequestError", "code": 400}}
        if path == CHAT:
            return 200, self.chat.whole(body)
        if path == "/v1/rerank":
            return 200, ranked(body)
        inputs = _inputs(body)
        with self._lock:
            self.inputs += len(inputs)
        for place, (text, picture) in enumerate(inputs):
            if self.bad_marker in text or (picture and not self.pictures):
                fault = {"message": "bad input", "type": "BadRequestError", "param": f"input[{place}]", "code": 400}
                return 400, {"error": fault}
        size = body.get("dimensions")
        if size and not self.matryoshka:
            return 400, {"error": {"message": "no Matryoshka", "type": "BadRequestError", "param": None, "code": 400}}
        rows = [self.vector(text, picture)[:size] for text, picture in inputs]
        data = [
            {"index": place, "object": "embedding", "embedding": encoded(row / np.linalg.norm(row))}
            for place, row in enumerate(rows)
        ]
        tokens = sum(len(text.split()) for text, _ in inputs)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return 200, {"object": "list", "model": self.embedder, "data": data, "usage": usage}

    def _readings(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        words = [{"text": "hello", "box": [0.1, 0.1, 0.5, 0.2]}, {"text": "world", "box": [0.5, 0.1, 0.9, 0.2]}]
        one = {"text": "hello world", "words": words} if body["text"] and self.legible else {"text": "", "words": []}
        tags = [{"label": "tabby cat", "probability": 0.75}]
        return 200, {"data": [{"index": place, **one, "tags": tags} for place in range(len(body["pictures"]))]}

    def fault_of(self, path: str) -> str | None:
        """What is to go wrong with this answer."""
        if path.endswith(CHAT):
            return self.chat.fault
        return self.fault if self.calls % self.fault_every == 0 else None


@contextmanager
def elsewhere(*, delay: float) -> Iterator[tuple[str, str]]:
    """Run one in a process of its own, which gives way to all others; yields its address and its embedder's name."""
    code = f"from tests.fake_inference import serve; serve({delay})"
    command = [sys.executable, "-c", code]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, start_new_session=True, **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        url, embedder = process.stdout.readline().split()
        yield url, embedder
        process.stdin.close()


def serve(delay: float) -> None:
    """Serve until nobody holds the other end of stdin."""
    step_back(19)
    with FakeInference() as fake:
        fake.delay = delay
        sys.stdout.write(f"{fake.url} {fake.embedder}\n")
        sys.stdout.flush()
        sys.stdin.read()


def encoded(row: Any) -> str:
    """A vector as base64 of little-endian float32."""
    return base64.b64encode(np.asarray(row, "<f4").tobytes()).decode()


def _inputs(body: dict[str, Any]) -> list[tuple[str, str]]:
    """(text, picture URL) of each input."""
    if "input" in body:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        return [(text, "") for text in texts]
    talks = body["messages"] if isinstance(body["messages"][0], list) else [body["messages"]]
    found = []
    for talk in talks:
        parts = [part for message in talk if message["role"] == "user" for part in message["content"]]
        text = " ".join(part["text"] for part in parts if part["type"] == "text")
        found.append((text, "".join(part["image_url"]["url"] for part in parts if part["type"] == "image_url")))
    return found


def _spoiled(fault: str, body: dict[str, Any]) -> Any:
    """A good answer made bad."""
    whole = {"object": ["not", "an", "object"], "error_in_200": ERROR_IN_200}
    if fault in whole:
        return whole[fault]
    if "results" in body:
        return _spoiled_scores(fault, body)
    data = body["data"]
    first = data[0]
    number = len(np.frombuffer(base64.b64decode(first["embedding"]), "<f4")) if "embedding" in first else 0
    swaps: dict[str, Any] = {
        "nan": encoded([np.nan] * number),
        "null": [None] * number,
        "huge": [1e39] * number,
        "zero": encoded([0.0] * number),
        "long": encoded([2.0] * number),
        "ragged": encoded([1.0]),
    }
    if fault in swaps:
        data[-1]["embedding"] = swaps[fault]
    elif fault == "short":
        for row in data:
            row["embedding"] = encoded([1.0] + [0.0] * (number // 2 - 1))
    elif fault == "count":
        data.pop()
    elif fault == "shuffled":
        data.reverse()
    elif fault == "duplicate":
        for row in data:
            row["index"] = 0
    return body


def _spoiled_scores(fault: str, body: dict[str, Any]) -> Any:
    rows = body["results"]
    scores = {"nan": float("nan"), "null": None, "huge": 1e39, "long": 2.0}
    if fault in scores:
        rows[-1]["relevance_score"] = scores[fault]
    elif fault == "count":
        rows.pop()
    elif fault == "duplicate":
        for row in rows:
            row["index"] = 0
    return body


def _handler(fake: FakeInference) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - many ways to misbehave
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if fake.key and self.headers.get("Authorization") != f"Bearer {fake.key}":
                return self.send(401, b'{"error": "Unauthorized"}')
            status, listed = fake.listing(self.path)
            return self.send(status, json.dumps(listed).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.asking.port = self.client_address[1]
            if fake.key and self.headers.get("Authorization") != f"Bearer {fake.key}":
                return self.send(401, b'{"error": "Unauthorized"}')
            slow = fake.slow_marker is not None and fake.slow_marker in json.dumps(body)
            time.sleep(fake.slow_seconds if slow else fake.delay)
            status, answer = fake.answer(self.path, body)
            fault = fake.fault_of(self.path)
            if status == 200 and (fault in BEFORE_ALL or (fault or "").isdigit()):
                return self.misbehave(fault or "", answer)
            if status == 200 and body.get("stream"):
                return self.stream(body)
            if status == 200 and fault is not None:
                return self.misbehave(fault, answer)
            return self.send(status, json.dumps(answer).encode())

        def stream(self, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for chunk in fake.chat.chunks(body):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    time.sleep(fake.chat.pause)
                if fake.chat.fault == "silent":
                    self.rest()
            except ConnectionError:
                fake.chat.left += 1
                raise
            if fake.chat.fault == "cut":
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def rest(self) -> None:
            """Say nothing until the reader goes, or for long."""
            self.connection.settimeout(HANG_SECONDS)
            if not self.connection.recv(1):
                raise ConnectionResetError

        def misbehave(self, fault: str, answer: dict[str, Any]) -> None:
            if fault.isdigit():
                return self.send(int(fault), json.dumps({"error": {"message": f"fault {fault}"}}).encode())
            raw = {
                "html": b"<html><body>It works!</body></html>",
                "broken_json": b'{"data": [{"index": 0, "embed',
                "echo_key": f"who is {self.headers.get('Authorization')}?".encode(),
            }
            if fault in raw:
                return self.send(200, raw[fault])
            if fault == "redirect":
                return self.send(302, b"", Location="http://127.0.0.1:1/")
            if fault == "gzip":
                return self.send(200, b"\x1f\x8b" + b"\0" * 100, **{"Content-Encoding": "gzip"})
            if fault in ("drip", "hang", "oversized", "closed"):
                return self.linger(fault)
            return self.send(200, json.dumps(_spoiled(fault, answer)).encode())

        def linger(self, fault: str) -> None:
            self.close_connection = True
            if fault == "closed":
                return
            self.send_response(200)
            self.send_header("Content-Length", "1000000000")
            self.end_headers()
            end = time.monotonic() + 30
            while time.monotonic() < end:
                if fault != "hang":
                    self.wfile.write(b" " * (1 if fault == "drip" else 1_000_000))
                if fault != "oversized":
                    time.sleep(DRIP_SECONDS)

        def send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if fake.retry_after is not None:
                self.send_header("Retry-After", fake.retry_after)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True  # the caller gave up, as it should

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
