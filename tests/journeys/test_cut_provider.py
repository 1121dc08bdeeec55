"""A provider whose answers are cut at many bytes, or come slowly: nothing is lost, and each cut costs once more."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import house, servers
from tests.fake_chat import CAPTION
from tests.journeys.visitor import KEY, LOCAL, Visitor, drawn, titles
from tests.recorded import Recorded

NOTES = 60
EVERY = 2
"""Only each second call is cut, so that not every try of the same input is."""
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CUTS = ("0", "1", "9", "in the head", "at its end", "1 of the body", "1/4", "1/2", "3/4", "-2", "-1", "unframed")
DRIPS, PIECES, DRIP_SECONDS = 2, 40, 0.05
STANDINS = ("word ", "data:image/jpeg")
"""Asked to find out whose fault it was; ours are notes and PNGs."""
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "orange", "purple", "brown", "gray", "pink", "cyan")
SHADES = ("navy", "olive", "teal", "maroon", "gold", "beige")


class Cutting(Recorded):
    """Hangs up in the midst of answers, and counts what each input was charged, and how often it was cut off."""

    def __init__(self) -> None:
        super().__init__("openrouter")
        self.reply = _told_apart
        self._server.server_close()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.left: dict[str, list[str]] = {"embeddings": [], "completions": []}
        self.charged: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.begun: set[str] | None = None
        self._asked: Counter[str] = Counter()

    def begin(self) -> None:
        """From now on answers are cut. What was asked before are trials, which may be asked again."""
        self.begun = set(self.charged)
        self.left = {kind: [*CUTS, *["drip"] * DRIPS] for kind in self.left}

    def fate(self, path: str, body: dict[str, Any]) -> str | None:
        """What is to become of an answer, once its inputs are charged."""
        kind, keys = path.rpartition("/")[2], _keys(body)
        with self._lock:
            self.charged.update(keys)
            if self.begun is None or not set(keys) - self.begun - {"a"}:
                return None
            self._asked[kind] += 1
            if self._asked[kind] % EVERY or not self.left[kind]:
                return None
            fate = self.left[kind].pop(0)
            if fate != "drip":
                self.cut.update(keys)
            return fate


def _keys(body: dict[str, Any]) -> list[str]:
    """What is paid for: each text to be embedded as a document, and each picture to be described."""
    if "input" in body:
        return [text for text in body["input"] if not text.startswith("Instruct:")]
    return re.findall(r"data:image/[^\"]+", json.dumps(body["messages"]))


def _told_apart(body: dict[str, Any]) -> str:
    """A caption, with words that no other picture has."""
    word = hashlib.sha256("".join(_keys(body)).encode()).hexdigest()[:8]
    return json.dumps(CAPTION | {"caption": f"A picture called {word}.", "tags": [word]})


def _handler(provider: Cutting) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.finish_with(*provider.listing(self.path), None)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = provider.answer(self.path, body)
            self.finish_with(status, answer, provider.fate(self.path, body) if status == 200 else None)

        def finish_with(self, status: int, answer: Any, fate: str | None) -> None:
            said = json.dumps(answer).encode()
            length = "" if fate == "unframed" else f"Content-Length: {len(said)}\r\n"
            head = f"{HEAD}{length}\r\n".replace("200", str(status)).encode()
            if fate == "drip":
                return self.drip(head + said)
            self.wfile.write((head + said)[: _kept(fate, len(head), len(said))])
            self.close_connection = fate is not None

        def drip(self, whole: bytes) -> None:
            size = len(whole) // PIECES + 1
            for start in range(0, len(whole), size):
                self.wfile.write(whole[start : start + size])
                time.sleep(DRIP_SECONDS)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _kept(fate: str | None, head: int, body: int) -> int:
    """How many bytes are sent."""
    if fate is None:
        return head + body
    places = {"in the head": head // 2, "at its end": head, "1 of the body": head + 1, "unframed": head + body // 2}
    if fate in places:
        return places[fate]
    if "/" in fate:
        part, whole = map(int, fate.split("/"))
        return head + body * part // whole
    return int(fate) if int(fate) >= 0 else head + body + int(fate)


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    settings = {"PRESET": "openrouter", "INFERENCE_KEY": KEY, "CAPTIONS_AT_ONCE": "1"}
    with Cutting() as provider:
        where = servers.directory() / "cut"
        with house.running(where, **LOCAL, **settings, INFERENCE_URL=provider.url) as home:
            visitor = Visitor(home, provider)
            yield visitor
            visitor.close()


@pytest.mark.long
def test_answers_cut_at_many_bytes_lose_nothing_and_cost_each_cut_once_more(visitor: Visitor) -> None:
    provider = visitor.server
    assert isinstance(provider, Cutting)
    visitor.write("What the house was tried with.", "trial")
    provider.begin()
    items = [visitor.put_in(json={"text": f"Note {number} on cuts.", "title": f"{number}"}) for number in range(NOTES)]
    items += [visitor.put_in(files={"file": (f"{one}.png", drawn(one), "image/png")}) for one in (*COLOURS, *SHADES)]
    for item in items:
        visitor.ready(item)
    assert provider.left == {"embeddings": [], "completions": []}
    new = {key for key in provider.charged.keys() - (provider.begun or set()) - {"a"} if not key.startswith(STANDINS)}
    assert {key: provider.charged[key] for key in new} == {key: 1 + provider.cut[key] for key in new}
    assert "7" in titles(visitor.search("note 7 on cuts", mode="meaning"))
