"""What each address of the inference server does: a request goes to the desk of its network, and an answer back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from searchsite.inference import speech, wire
from searchsite.inference.builtin import desk as builtin
from searchsite.inference.builtin.engine import INFO, Engine
from searchsite.inference.errors import BadInput, InferenceError, Overloaded, Refused, ServerFailed
from searchsite.inference.qwen.wire import ChatRequest, RerankRequest, TokenizeRequest

if TYPE_CHECKING:
    from searchsite.inference.qwen.desk import Desk

MOST_COMPLAINTS = 4
Json = dict[str, Any]
Gone = Callable[[], bool]
"""Whether whoever asked has closed the connection."""


@dataclass(frozen=True)
class Reply:
    """Status and JSON body of an answer; or the events of a stream, to be closed when nobody reads on."""

    status: int
    body: Json
    retry_after: float | None = None
    events: Iterator[str] | None = None


class NotServed(InferenceError):
    """The request names a network that is not here."""


class Routes:
    """The networks behind their addresses: the built-in engine, and those of Qwen3 where they are configured."""

    def __init__(self, engine: Engine, readers: int = 1, local: Desk | None = None) -> None:
        self._builtin = builtin.Desk(engine, readers)
        self._local = local
        self._table: dict[tuple[str, str], Callable[[bytes, Gone], Json | Reply]] = {
            ("GET", "/health"): lambda body, gone: {},
            ("GET", "/v1/models"): lambda body, gone: self._models(),
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/v1/read"): self._read,
            ("POST", "/v1/rerank"): self._rerank,
            ("POST", "/rerank"): self._rerank,
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/tokenize"): self._tokenize,
        }

    def answer(self, method: str, path: str, body: bytes, gone: Gone = bool) -> Reply:
        """Answer one request; whatever is wrong with it becomes an error in the dialect's shape."""
        route = self._table.get((method, path))
        if route is None:
            return Reply(404, wire.error(f"there is no {method} {path} here", 404, kind="NotFoundError"))
        try:
            found = route(body, gone)
        except ValidationError as error:
            return Reply(400, wire.error(_complaints(error), 400))
        except InferenceError as error:
            return refusal(error)
        return found if isinstance(found, Reply) else Reply(200, found)

    def stop(self, seconds: float) -> bool:
        """Let running work finish for some seconds; answers whether it did."""
        end = time.monotonic() + seconds
        stopped = self._builtin.stop(seconds)
        left = max(0.0, end - time.monotonic())
        return stopped if self._local is None else self._local.stop(left) and stopped

    def _models(self) -> Json:
        return wire.listing([builtin.entry(), *(self._local.entries() if self._local else [])])

    def _desk(self, name: str | None) -> Desk | None:
        """The desk of a Qwen3 network; None for the built-in one."""
        if name in (None, INFO.name):
            return None
        if self._local is not None and name in self._local.served:
            return self._local
        here = [INFO.name, *(self._local.served if self._local else ())]
        verb = "is" if len(here) == 1 else "are"
        raise NotServed(f"{name!r} is not served here; {', '.join(map(repr, here))} {verb}")

    def _speaking(self, name: str) -> Desk:
        desk = self._desk(name)
        if desk is None:
            raise Refused(f"{INFO.name} neither speaks nor reranks")
        return desk

    def _embeddings(self, body: bytes, gone: Gone) -> Json:
        request = wire.EmbeddingsRequest.model_validate_json(body)
        desk = self._desk(request.model)
        if (request.input is None) == (request.messages is None):
            raise BadInput("send either `input` or `messages`")
        vectors, tokens = self._builtin.embed(request) if desk is None else desk.embed(request, gone)
        data = [
            {"index": place, "object": "embedding", "embedding": wire.embedding(vector, request.encoding_format)}
            for place, vector in enumerate(vectors)
        ]
        head = {"id": f"embd-{uuid.uuid4().hex}", "created": int(time.time()), "model": request.model or INFO.name}
        return wire.listing(data, **head, usage=_usage(tokens))

    def _read(self, body: bytes, gone: Gone) -> Json:
        request = wire.ReadRequest.model_validate_json(body)
        if self._desk(request.model) is not None:
            raise Refused(f"{request.model} describes pictures in a chat; it does not read them here")
        found = self._builtin.read(request)
        return wire.listing([wire.reading(one, at) for at, one in enumerate(found)], model=INFO.name)

    def _rerank(self, body: bytes, gone: Gone) -> Json:
        request = RerankRequest.model_validate_json(body)
        scores, tokens = self._speaking(request.model).rerank(request, gone)
        order = sorted(range(len(scores)), key=lambda place: -scores[place])[: request.top_n]
        # Unlike vLLM's, without the documents: they are the larger part by far, and whoever asks has them.
        results = [{"index": place, "relevance_score": scores[place]} for place in order]
        head = {"id": f"rerank-{uuid.uuid4().hex}", "model": request.model}
        return {**head, "usage": _usage(tokens), "results": results}

    def _chat(self, body: bytes, gone: Gone) -> Json | Reply:
        request = ChatRequest.model_validate_json(body)
        desk = self._speaking(request.model)
        talk = desk.talk(request)
        if request.stream:
            return Reply(200, {}, events=speech.events(desk.stream(request, talk, gone), request, len(talk.row)))
        return speech.whole(desk.whole(request, talk, gone), request, len(talk.row))

    def _tokenize(self, body: bytes, gone: Gone) -> Json:
        request = TokenizeRequest.model_validate_json(body)
        tokens = self._speaking(request.model).tokenize(request)
        return {"tokens": tokens, "count": len(tokens)}


def refusal(error: InferenceError) -> Reply:
    """An error as an answer in the dialect's shape."""
    if isinstance(error, NotServed):
        return Reply(404, wire.error(error.message, 404, kind="NotFoundError", param="model"))
    if isinstance(error, Overloaded):
        busy = wire.error(error.message, 503, kind="ServiceUnavailableError")
        return Reply(503, busy, retry_after=error.retry_after)
    if isinstance(error, ServerFailed):
        return Reply(500, wire.error(error.message, 500, kind="InternalServerError"))
    place = error.index if isinstance(error, BadInput) else None
    return Reply(400, wire.error(error.message, 400, param=None if place is None else wire.input_name(place)))


def _usage(tokens: int) -> Json:
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def _complaints(error: ValidationError) -> str:
    """What is wrong with a request, in one line; a field of several forms has a complaint for each."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:MOST_COMPLAINTS]
    return "; ".join(": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"]))) for one in found)
