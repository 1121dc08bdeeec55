"""Stand-ins for the servers of each dialect: they take what the genuine ones take, and answer in their shapes.

    with Recorded("openrouter") as server:
        server.url      # as an operator would write it

What they say of words and pictures comes from tests/meaning.py. They fail and are slow as any fake, and keep what they
were asked. `server.key` is the key that they want to see.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from searchsite.inference.prompts import prompt_for
from tests import meaning
from tests.fake_chat import FakeChat
from tests.fake_inference import FakeInference
from tests.recorded_wires import WIRES, Asked, Wire, WrongRequest

CAPTIONER, ANSWERER, RERANKER = "Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen3-8B", "Qwen/Qwen3-VL-Reranker-2B"
VL, TEXT = "Qwen/Qwen3-VL-Embedding-8B", "Qwen/Qwen3-Embedding-8B"
SERVED: dict[str, tuple[str, ...]] = {
    "vllm": (VL, TEXT, CAPTIONER, ANSWERER, RERANKER),
    "sglang": (VL, TEXT, CAPTIONER, ANSWERER, RERANKER),
    "openai": (VL, TEXT, CAPTIONER, ANSWERER),
    "llamacpp": ("Qwen3-VL-Embedding-2B-Q8_0", CAPTIONER, ANSWERER),
    "openrouter": ("qwen/qwen3-embedding-8b", "qwen/qwen3-vl-8b-instruct", "qwen/qwen3-8b"),
    "dashscope": ("qwen3-vl-embedding", "qwen3-vl-rerank"),
}
"""The networks of each stand-in; the first is its embedder."""
PREFIX = {"openrouter": "/api", "dashscope": "/api"}
"""What stands before /v1 in the addresses of some."""


class Recorded(FakeInference):
    """A stand-in for a server of one dialect.

    takes: how pictures may be sent to one of the dialect `openai`: messages, parts, or not at all. cuts: it shortens
    vectors when it is asked to.
    """

    def __init__(self, dialect: str, *, dimensions: int | None = None) -> None:
        super().__init__(
            dimensions=dimensions or (2560 if dialect == "dashscope" else 2048), embedder=SERVED[dialect][0], own=False
        )
        self.networks = SERVED[dialect][1:]
        self.dialect = dialect
        self.wire: Wire = WIRES[dialect]()
        self.cuts = True
        self.takes = "messages"
        self.marker = "<__media_5e1f__>"
        self.chat = RecordedChat(reply=replied, cost=0.00002 if dialect == "openrouter" else None)
        self.chat.in_openrouters_way = dialect == "openrouter"

    @property
    def url(self) -> str:
        tail = "/api/v1" if self.dialect in PREFIX else ""
        return f"http://127.0.0.1:{self.port}{tail}"

    def listing(self, path: str) -> tuple[int, Any]:
        found = self.wire.listing(self, self._plain(path))
        return (200, found) if found is not None else self.wire.error(404, f"there is no {path} here")

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        path = self._plain(path)
        with self._lock:
            self.requests.append({"path": path, **body})
        try:
            return 200, self._answer(path, body)
        except WrongRequest as wrong:
            return self.wire.error(wrong.status, str(wrong))

    def _answer(self, path: str, body: dict[str, Any]) -> Any:
        self.wire.check(self, path, body)
        if path == "/v1/chat/completions" and self.dialect != "dashscope":
            return self.chat.whole(body)
        if path == self.wire.rerank_path:
            return self.wire.ranked(body)
        asked = self.wire.asked(self, path, body)
        with self._lock:
            self.inputs += len(asked)
        for place, one in enumerate(asked):
            if self.bad_marker in one.text:
                raise WrongRequest(400, f"input {place} is bad")
        return self.wire.embedded(self, path, body, [self.recorded_vector(one, body) for one in asked])

    def recorded_vector(self, asked: Asked, body: dict[str, Any]) -> Any:
        """The vector of one input, cut where that was asked for."""
        told, text, lost = asked.told, asked.text, asked.lost
        if asked.rendered:
            told, text, lost = meaning.prompted(text, prompt_for(body.get("model", self.embedder)))
        found = meaning.vector(text, asked.picture, told=told, size=self.dimensions, lost=lost)
        short = found[: self.wire.cut(body)] if self.cuts else found
        return short / np.linalg.norm(short)

    def _plain(self, path: str) -> str:
        return path.partition("?")[0].removeprefix(PREFIX.get(self.dialect, ""))


class RecordedChat(FakeChat):
    """Chats as the fake does; OpenRouter's streams have comments between events, and the usage in the last of them."""

    in_openrouters_way = False

    def events(self, body: dict[str, Any]) -> list[bytes]:
        events = super().events(body)
        if not self.in_openrouters_way or self.fault is not None:
            return events
        usage = json.dumps(self.usage(body, self.reply(body))).encode()
        last = events[-3].removesuffix(b"}\n\n") + b', "usage": ' + usage + b"}\n\n"
        return [b": OPENROUTER PROCESSING\n\n", *events[:-3], b": OPENROUTER PROCESSING\n\n", last, events[-1]]


def replied(body: dict[str, Any]) -> str:
    """A caption of the picture where JSON is asked for; else a statement, with its source."""
    pictures = [part for part in _parts(body) if part["type"] == "image_url"]
    if "response_format" in body and pictures:
        return json.dumps(meaning.seen(_data(pictures[-1]["image_url"]["url"])).answer())
    return json.dumps({}) if "response_format" in body else "It is so [1]."


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    talks = [turn["content"] for turn in body["messages"] if isinstance(turn["content"], list)]
    return [part for talk in talks for part in talk]


def _data(url: str) -> bytes:
    return Asked.of_url(url)
