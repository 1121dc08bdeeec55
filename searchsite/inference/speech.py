"""What a speaking network says, in OpenAI's shapes: whole, or as the events of a stream."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from searchsite.inference import wire
from searchsite.inference.errors import InferenceError
from searchsite.inference.qwen.wire import ChatRequest

if TYPE_CHECKING:
    from searchsite.inference.qwen.talking import Said

Json = dict[str, Any]
DONE = "[DONE]"


def whole(answer: tuple[Said, str], request: ChatRequest, tokens: int) -> Json:
    """The answer to a chat that is not streamed."""
    said, thought = answer
    message = {"role": "assistant", "content": said.text, "reasoning_content": thought or None}
    choice = {"index": 0, "message": message, "finish_reason": said.finish}
    return {**_head(request, "chat.completion"), "choices": [choice], "usage": _usage(tokens, said.tokens)}


def events(pieces: Iterable[tuple[str, str] | Said], request: ChatRequest, tokens: int) -> Iterator[str]:
    """The events of a streamed chat. A fault on the way is an event too, and the last but one."""
    head = _head(request, "chat.completion.chunk")
    yield _event(head, {"role": "assistant", "content": ""})
    try:
        for piece in pieces:
            if isinstance(piece, tuple):
                text, thought = piece
                if thought:
                    yield _event(head, {"reasoning_content": thought})
                if text:
                    yield _event(head, {"content": text})
                continue
            yield _event(head, {}, piece.finish)
            if request.stream_options.include_usage:
                yield json.dumps({**head, "choices": [], "usage": _usage(tokens, piece.tokens)})
    except InferenceError as error:
        yield json.dumps(wire.error(error.message, 500, kind="InternalServerError"))
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
    yield DONE


def _head(request: ChatRequest, kind: str) -> Json:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": request.model}


def _event(head: Json, delta: Json, finish: str | None = None) -> str:
    return json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _usage(read: int, said: int) -> Json:
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}
