"""What a chat server answers, whole or as a stream of events, and how such streams go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

CAPTION = {
    "caption": "A red car stands in the snow in front of a house.",
    "tags": ["car", "snow", "house", "winter", "street"],
    "text": "",
    "kind": "photo",
    "language": "",
}
ERRORS: dict[str, dict[str, Any]] = {
    "error_vllm": {"error": {"message": "engine died", "type": "InternalServerError", "param": None, "code": 500}},
    "error_flat": {"object": "error", "message": "engine died", "type": "InternalError", "param": None, "code": 500},
    "error_openrouter": {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "provider": "Somebody",
        "error": {
            "code": 502,
            "message": "Provider disconnected",
            "metadata": {"error_type": "provider_unavailable", "provider_code": "gone"},
        },
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    },
}
CHAT_FAULTS = (*ERRORS, "cut", "ended", "no_done", "no_finish", "bytes", "comments", "broken_event", "silent")
"""cut and ended: at byte `cut_at`, the connection broken or the stream ended as if all were well.
no_done, bytes (one at a time) and comments are odd but whole. silent: a halt after half of the events.
Besides these, a status such as "429" before the stream, "error_in_200", and the faults of other answers."""
HALF = 2


def default_reply(body: dict[str, Any]) -> str:
    """A caption where JSON is asked for, else a statement with its source."""
    return json.dumps(CAPTION) if "response_format" in body else "It is so [1]."


@dataclass
class FakeChat:
    """How the fake chats. `reply` makes the text of an answer out of the request's body."""

    reply: Callable[[dict[str, Any]], str] = default_reply
    thoughts: str = ""
    """Sent as `reasoning` before the text."""
    finish: str = "stop"
    fault: str | None = None
    sees_alone: bool = False
    """Whether it refuses to chat without a picture."""
    cut_at: int = 0
    pause: float = 0.0
    """Seconds between the events of a stream."""
    cost: float | None = None
    """US dollars that an answer says it cost."""
    left: int = field(default=0)
    """Streams that their reader closed before the end."""

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self.reply(body)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if self.thoughts:
            message["reasoning"] = self.thoughts
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        return {**self._head(body, "chat.completion"), "choices": [choice], "usage": self.usage(body, text)}

    def usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        sent, made = len(json.dumps(body["messages"]).split()), len(text.split())
        usage = {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made}
        return usage if self.cost is None else {**usage, "cost": self.cost}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        """The stream as it goes over the wire, one element an event; faults included but cuts."""
        text = self.reply(body)
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning": word} for word in _pieces(self.thoughts)]
        deltas += [{"content": word} for word in _pieces(text)]
        events = [self._event(body, delta, None) for delta in deltas]
        if self.fault in ERRORS:
            last = [_data(ERRORS[self.fault])]
            return events[: len(events) // HALF] + last + ([b"data: [DONE]\n\n"] if self.fault == "error_vllm" else [])
        if self.fault == "broken_event":
            return [*events[: len(events) // HALF], b'data: {"choices": [{"del\n\n']
        if self.fault == "no_finish":
            return [*events, b"data: [DONE]\n\n"]
        events.append(self._event(body, {}, self.finish))
        events.append(
            _data({**self._head(body, "chat.completion.chunk"), "choices": [], "usage": self.usage(body, text)})
        )
        if self.fault != "no_done":
            events.append(b"data: [DONE]\n\n")
        return [b": PROCESSING\r\n\r\n" + event for event in events] if self.fault == "comments" else events

    def chunks(self, body: dict[str, Any]) -> Iterator[bytes]:
        """What is written at a time."""
        events = self.events(body)
        if self.fault in ("cut", "ended"):
            events = [b"".join(events)[: self.cut_at]]
        if self.fault == "bytes":
            yield from (bytes([byte]) for byte in b"".join(events))
        elif self.fault == "silent":
            yield from events[: len(events) // HALF]
        else:
            yield from (event for event in events if event)

    def _event(self, body: dict[str, Any], delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({**self._head(body, "chat.completion.chunk"), "choices": [choice]})

    def _head(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body.get("model", "")}


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def _pieces(text: str) -> list[str]:
    """A text in words, each with the space that follows it."""
    words = text.split(" ")
    return [word if place == len(words) - 1 else f"{word} " for place, word in enumerate(words) if word or place]


def ranked(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to `/v1/rerank`: relevance is the share of the question's words that a document holds."""
    asked = set(_words(body["query"]))
    rows = [
        {"index": place, "document": {"text": one}, "relevance_score": _share(asked, set(_words(one)))}
        for place, one in enumerate(body["documents"])
    ]
    rows.sort(key=lambda row: -float(row["relevance_score"]))
    tokens = len(json.dumps(body["documents"]).split())
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"id": "score-1", "model": body.get("model", ""), "usage": usage, "results": rows[: body.get("top_n")]}


def _words(document: Any) -> list[str]:
    """The words of a document: a string, an object with `content` or `text`, or a list of parts."""
    if isinstance(document, str):
        return [word.strip(".,?!").lower() for word in document.split()]
    parts = document.get("content", [document]) if isinstance(document, dict) else document
    return [word for part in parts for word in _words(part.get("text") or "")]


def _share(asked: set[str], found: set[str]) -> float:
    return 0.02 + 0.96 * len(asked & found) / max(len(asked), 1)
