"""Where the server's requests for the built-in engine are answered. Questions, bulk work and reading have lanes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from searchsite.inference import memory, wire
from searchsite.inference.builtin.engine import INFO, Engine
from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.builtin.reader import Reader
from searchsite.inference.errors import BadInput
from searchsite.inference.lanes import Lane
from searchsite.inference.types import Reading, Vectors

TEXTS_A_JOB = 4
Embedded = tuple[Vectors, int]
"""Vectors of some inputs, and how many word pieces were read for them."""


@dataclass(frozen=True)
class _Input:
    """One thing to embed, as it came over the wire."""

    text: str
    picture: bytes | None = None


class Desk:
    """The built-in engine and its threads."""

    def __init__(self, engine: Engine, readers: int = 1) -> None:
        self._engine = engine
        self._questions = Lane("questions", threads=2, places=256)
        self._bulk = Lane("documents", threads=os.cpu_count() or 1, places=512, niceness=5)
        self._reading = Lane("reading", threads=readers, places=8 * readers, niceness=10)
        self._lanes = (self._questions, self._bulk, self._reading)
        self._readers = threading.local()

    def stop(self, seconds: float) -> bool:
        """Let running work finish for some seconds; answers whether it did."""
        end = time.monotonic() + seconds
        stopped = [lane.stop(max(0.0, end - time.monotonic())) for lane in self._lanes]
        return all(stopped)

    def embed(self, request: wire.EmbeddingsRequest) -> Embedded:
        """Unit vectors of the inputs, in order, and how many word pieces were read."""
        if request.dimensions not in (None, INFO.dimensions):
            raise BadInput(f"{INFO.name} has {INFO.dimensions} dimensions and no shorter form; leave `dimensions` out")
        lane = self._bulk if request.priority > 0 else self._questions
        done = lane.run(self._jobs(_inputs(request)))
        return np.concatenate([vectors for vectors, _ in done]), sum(pieces for _, pieces in done)

    def read(self, request: wire.ReadRequest) -> list[Reading]:
        """What each picture shows, in order."""
        pictures = [
            wire.blame(place, partial(wire.picture_bytes, picture.url))
            for place, picture in enumerate(request.pictures)
        ]
        # Tags alone are as quick as a vector and needn't wait behind somebody's page of text.
        lane = self._reading if request.text else self._bulk
        return lane.run([partial(self._read_one, data, at, request.text) for at, data in enumerate(pictures)])

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
        picture = wire.blame(index, partial(open_picture, data))
        if text:
            vector, pieces = self._engine.embed_both(text, picture)
            return vector[None], pieces
        return self._engine.embed_picture(picture)[None], 0

    def _read_one(self, data: bytes, index: int, with_text: bool) -> Reading:
        picture = wire.blame(index, partial(open_picture, data))
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


def entry() -> dict[str, Any]:
    """The engine as `/v1/models` lists it; under `searchsite` what other servers of the dialect don't tell."""
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
    return {"id": INFO.name, "object": "model", "created": 0, "owned_by": "searchsite", "searchsite": about}


def _inputs(request: wire.EmbeddingsRequest) -> list[_Input]:
    """What to embed, in order; each holds a text, a picture or both."""
    if request.input is not None:
        texts = [request.input] if isinstance(request.input, str) else request.input
        inputs = [_Input(text.strip()) for text in texts]
    else:
        inputs = [
            _Input(*wire.blame(place, partial(wire.conversation_input, conversation)))
            for place, conversation in enumerate(wire.conversations(request.messages or []))
        ]
    for place, one in enumerate(inputs):
        if not one.text and one.picture is None:
            raise BadInput("an input holds neither text nor picture", index=place)
    return inputs
