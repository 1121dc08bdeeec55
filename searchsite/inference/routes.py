"""What each address of the inference server does: a request's body becomes work for the lanes, and an answer."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from searchsite.inference import memory, wire
from searchsite.inference.builtin.engine import INFO, Engine
from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.builtin.reader import Reader
from searchsite.inference.errors import BadInput, InferenceError, Overloaded
from searchsite.inference.lanes import Lane
from searchsite.inference.types import Reading, Vectors

TEXTS_A_JOB = 4
MOST_COMPLAINTS = 4
Answer = TypeVar("Answer")
Json = dict[str, Any]
Embedded = tuple[Vectors, int]
"""Vectors of some inputs, and how many word pieces were read for them."""


@dataclass(frozen=True)
class Reply:
    """Status and JSON body of an answer."""

    status: int
    body: Json
    retry_after: float | None = None


@dataclass(frozen=True)
class _Input:
    """One thing to embed, as it came over the wire."""

    text: str
    picture: bytes | None = None


class NotServed(InferenceError):
    """The request names an embedder that is not here."""


class Routes:
    """The engine behind its addresses. Questions and bulk work run in lanes of their own; reading in a third."""

    def __init__(self, engine: Engine, readers: int = 1) -> None:
        self._engine = engine
        self._questions = Lane("questions", threads=2, places=256)
        self._bulk = Lane("documents", threads=os.cpu_count() or 1, places=512, niceness=5)
        self._reading = Lane("reading", threads=readers, places=8 * readers, niceness=10)
        self._lanes = (self._questions, self._bulk, self._reading)
        self._readers = threading.local()

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one request; whatever is wrong with it becomes an error in the dialect's shape."""
        route = self._table().get((method, path))
        if route is None:
            return Reply(404, wire.error(f"there is no {method} {path} here", 404, kind="NotFoundError"))
        try:
            return Reply(200, route(body))
        except ValidationError as error:
            return Reply(400, wire.error(_complaints(error), 400))
        except NotServed as error:
            return Reply(404, wire.error(error.message, 404, kind="NotFoundError", param="model"))
        except BadInput as error:
            param = None if error.index is None else wire.input_name(error.index)
            return Reply(400, wire.error(error.message, 400, param=param))
        except Overloaded as error:
            body_ = wire.error(error.message, 503, kind="ServiceUnavailableError")
            return Reply(503, body_, retry_after=error.retry_after)

    def stop(self, seconds: float) -> bool:
        """Let running work finish for some seconds; answers whether it did."""
        end = time.monotonic() + seconds
        stopped = [lane.stop(max(0.0, end - time.monotonic())) for lane in self._lanes]
        return all(stopped)

    def _table(self) -> dict[tuple[str, str], Callable[[bytes], Json]]:
        return {
            ("GET", "/health"): lambda _: {},
            ("GET", "/v1/models"): lambda _: models(),
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/v1/read"): self._read,
        }

    def _embeddings(self, body: bytes) -> Json:
        request = wire.EmbeddingsRequest.model_validate_json(body)
        _check(request.model, request.dimensions)
        inputs = _inputs(request)
        lane = self._bulk if request.priority > 0 else self._questions
        done = lane.run(self._jobs(inputs))
        tokens = sum(pieces for _, pieces in done)
        data = [
            {"index": place, "object": "embedding", "embedding": wire.embedding(vector, request.encoding_format)}
            for place, vector in enumerate(np.concatenate([vectors for vectors, _ in done]))
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        head = {"id": f"embd-{uuid.uuid4().hex}", "created": int(time.time()), "model": INFO.name}
        return wire.listing(data, **head, usage=usage)

    def _jobs(self, inputs: Sequence[_Input]) -> list[Callable[[], Embedded]]:
        """Short runs of texts and single pictures, so that all threads of a lane share a large request."""
        jobs: list[Callable[[], Embedded]] = []
        texts: list[str] = []
        for place, entry in enumerate(inputs):
            if entry.picture is None:
                texts.append(entry.text)
            if texts and (entry.picture is not None or len(texts) == TEXTS_A_JOB):
                jobs.append(partial(self._engine.embed_texts, texts))
                texts = []
            if entry.picture is not None:
                jobs.append(partial(self._embed_picture, entry.text, entry.picture, place))
        return [*jobs, partial(self._engine.embed_texts, texts)] if texts else jobs

    def _embed_picture(self, text: str, data: bytes, index: int) -> Embedded:
        picture = _blame(index, partial(open_picture, data))
        if text:
            vector, pieces = self._engine.embed_both(text, picture)
            return vector[None], pieces
        return self._engine.embed_picture(picture)[None], 0

    def _read(self, body: bytes) -> Json:
        request = wire.ReadRequest.model_validate_json(body)
        _check(request.model, None)
        pictures = [
            _blame(place, partial(wire.picture_bytes, picture.url)) for place, picture in enumerate(request.pictures)
        ]
        # Tags alone are as quick as a vector and needn't wait behind somebody's page of text.
        lane = self._reading if request.text else self._bulk
        found = lane.run([partial(self._read_one, data, at, request.text) for at, data in enumerate(pictures)])
        return wire.listing([wire.reading(one, at) for at, one in enumerate(found)], model=INFO.name)

    def _read_one(self, data: bytes, index: int, with_text: bool) -> Reading:
        picture = _blame(index, partial(open_picture, data))
        tags = self._engine.tags(picture)
        if not with_text:
            return Reading("", (), tags)
        text, words = self._reader().read(picture)
        memory.give_back()
        return Reading(text, words, tags)

    def _reader(self) -> Reader:
        """A thread's own reader, made in that thread: the reader's threads inherit its priority."""
        if not hasattr(self._readers, "reader"):
            self._readers.reader = Reader()
        reader: Reader = self._readers.reader
        return reader


def models() -> Json:
    """The one embedder there is; under `searchsite` what other servers of the dialect don't tell."""
    about = {
        "revision": INFO.revision,
        "dimensions": INFO.dimensions,
        "mrl": INFO.mrl,
        "modalities": sorted(INFO.modalities),
        "notes": list(INFO.notes),
        "reads": INFO.reads,
        "captions": INFO.captions,
        "prompt": "plain",
        "conversations": wire.MOST_INPUTS,
        "priority": True,
    }
    entry = {"id": INFO.name, "object": "model", "created": 0, "owned_by": "searchsite", "searchsite": about}
    return wire.listing([entry])


def _complaints(error: ValidationError) -> str:
    """What is wrong with a request, in one line; a field of several forms has a complaint for each."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:MOST_COMPLAINTS]
    return "; ".join(": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"]))) for one in found)


def _check(model: str | None, dimensions: int | None) -> None:
    if model not in (None, INFO.name):
        raise NotServed(f"the embedder {model!r} is not served here; {INFO.name!r} is")
    if dimensions not in (None, INFO.dimensions):
        raise BadInput(f"{INFO.name} has {INFO.dimensions} dimensions and no shorter form; leave `dimensions` out")


def _inputs(request: wire.EmbeddingsRequest) -> list[_Input]:
    """What to embed, in order; each holds a text, a picture or both."""
    if (request.input is None) == (request.messages is None):
        raise BadInput("send either `input` or `messages`")
    if request.input is not None:
        texts = [request.input] if isinstance(request.input, str) else request.input
        inputs = [_Input(text.strip()) for text in texts]
    else:
        messages = request.messages or []
        conversations = [messages] if isinstance(messages[0], wire.Message) else messages
        inputs = [
            _Input(*_blame(place, partial(wire.conversation_input, conversation)))
            for place, conversation in enumerate(conversations)
        ]
    for place, entry in enumerate(inputs):
        if not entry.text and entry.picture is None:
            raise BadInput("an input holds neither text nor picture", index=place)
    return inputs


def _blame(index: int, work: Callable[[], Answer]) -> Answer:
    """Do the work; where the input is bad, say which one."""
    try:
        return work()
    except BadInput as error:
        raise BadInput(error.message, index=index) from error
