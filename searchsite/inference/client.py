"""The one way to a network: typed calls over the wire to whatever serves the embedder."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from searchsite.config import Config
from searchsite.inference.dialects import vllm
from searchsite.inference.errors import BadAnswer, BadInput, Refused, TooSlow, Unreachable
from searchsite.inference.prompts import clean
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.inference.transport import Transport
from searchsite.inference.types import (
    EmbedderInfo,
    Embeddings,
    EmbedInput,
    Picture,
    Purpose,
    Reading,
    Usage,
    Vectors,
)

__all__ = ["Client", "Endpoint", "endpoint_from"]

Answer = TypeVar("Answer")
SECONDS: dict[Purpose, float] = {"query": 10.0, "document": 60.0}
"""How long `embed` may take from call to return."""
READ_SECONDS = 120.0
"""How long one picture's reading may take."""
INFO_SECONDS = 60.0
"""How long what a server said about itself is believed."""
AT_ONCE = 4
"""Requests of one process on their way at the same time, beside those with a single request."""
CONNECTIONS = 16
BYTES_A_NUMBER = 40
SPARE_BYTES = 64 * 1024
READING_BYTES = 8 * 2**20
MOST_DIMENSIONS = 8_192
SHORT_DIMENSIONS = 64


@dataclass(frozen=True)
class _Call:
    """One request: its body, and which inputs it is for."""

    places: tuple[int, ...]
    payload: Any


class Client:
    """Embeds and reads through one endpoint. Thread-safe; make it after forking, one a process."""

    def __init__(self, endpoint: Endpoint, *, meter: Callable[[Usage], None] | None = None) -> None:
        self._endpoint = endpoint
        self._meter = meter
        self._transport = Transport(endpoint, connections=CONNECTIONS)
        self._threads = ThreadPoolExecutor(AT_ONCE, "inference")
        self._offer: tuple[float, vllm.Offer, EmbedderInfo] | None = None
        self._asking = threading.Lock()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._endpoint.network} at {self._endpoint.name})"

    def info(self) -> EmbedderInfo:
        """What the embedder is and can do; asked anew once a minute."""
        return self._described(time.monotonic() + SECONDS["query"])[1]

    def embed(self, inputs: Sequence[EmbedInput], *, purpose: Purpose, instruction: str | None = None) -> Embeddings:
        """A unit vector for each input, in order. All or nothing: any failure raises an `InferenceError`."""
        start = time.monotonic()
        end = start + SECONDS[purpose]
        offer, info = self._described(end)
        ready = [_usable(entry, place, info) for place, entry in enumerate(inputs)]
        calls = _calls(vllm.Task(self._endpoint.network, offer, purpose, instruction), ready)
        found = self._all([partial(self._embed, call, end, info.dimensions) for call in calls])
        vectors = np.empty((len(inputs), info.dimensions), np.float32)
        for call, (rows, _) in zip(calls, found, strict=True):
            vectors[list(call.places)] = rows
        usage = Usage(
            operation="embed",
            embedder=info.name,
            calls=len(calls),
            inputs=len(inputs),
            tokens=sum(tokens for _, tokens in found),
            seconds=time.monotonic() - start,
        )
        self._count(usage)
        return Embeddings(vectors, usage)

    def read(self, pictures: Sequence[Picture], *, text: bool = True) -> list[Reading]:
        """What each picture shows: its text and tags, in order; without `text` the tags alone, far quicker."""
        start = time.monotonic()
        info = self._described(start + READ_SECONDS)[1]
        if not info.reads:
            raise Refused(f"{info.name} does not read pictures")
        found = [self._read(picture, place, text) for place, picture in enumerate(pictures)]
        seconds = time.monotonic() - start
        self._count(Usage("read", info.name, calls=len(found), inputs=len(found), tokens=0, seconds=seconds))
        return found

    def close(self) -> None:
        """Close connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _embed(self, call: _Call, end: float, dimensions: int) -> tuple[Vectors, int]:
        count = len(call.places)
        most = count * dimensions * BYTES_A_NUMBER + SPARE_BYTES
        try:
            answer = self._transport.call("/v1/embeddings", call.payload, end=end, most=most)
        except BadInput as error:
            raise _placed(error, call.places) from error
        vectors, tokens = vllm.vectors(answer, count)
        if vectors.shape[1] != dimensions:
            self._offer = None  # perhaps another embedder serves there now
            raise BadAnswer(f"{self._endpoint.name} sent {vectors.shape[1]} dimensions where {dimensions} were due")
        return vectors, tokens

    def _read(self, picture: Picture, place: int, text: bool) -> Reading:
        payload = vllm.read_request(self._endpoint.network, picture, text=text)
        try:
            answer = self._transport.call("/v1/read", payload, end=time.monotonic() + READ_SECONDS, most=READING_BYTES)
        except BadInput as error:
            raise _placed(error, (place,)) from error
        return vllm.readings(answer, 1)[0]

    def _all(self, works: Sequence[Callable[[], Answer]]) -> list[Answer]:
        """All answers in order; a single request goes out from the caller's own thread, waiting for nobody."""
        if len(works) == 1:
            return [works[0]()]
        futures = [self._threads.submit(work) for work in works]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def _described(self, end: float) -> tuple[vllm.Offer, EmbedderInfo]:
        known = self._offer
        if known is None or known[0] < time.monotonic():
            with self._asking:
                known = self._offer
                if known is None or known[0] < time.monotonic():
                    known = self._offer = (time.monotonic() + INFO_SECONDS, *self._answered(end))
        return known[1], known[2]

    def _answered(self, end: float) -> tuple[vllm.Offer, EmbedderInfo]:
        """What the server says of its embedder; no input is to blame when that alone takes too long."""
        try:
            return self._ask(end)
        except TooSlow as error:
            raise Unreachable(error.message, retry_after=error.retry_after) from error

    def _ask(self, end: float) -> tuple[vllm.Offer, EmbedderInfo]:
        """What the server says of its embedder, and where it says too little, what trying shows."""
        embedder = self._endpoint.network
        offer = vllm.offer(self._transport.call("/v1/models", end=end, most=READING_BYTES), embedder)
        if offer is None:
            raise Refused(f"{self._endpoint.name} has no embedder named {embedder!r}")
        if offer.info is not None:
            return offer, offer.info
        word, picture = EmbedInput(text="a"), _probe_picture()
        full = self._probe(offer, word, end)
        if full is None:
            raise Refused(f"{self._endpoint.name} does not embed texts with {embedder!r}")
        info = EmbedderInfo(
            name=embedder,
            revision=offer.revision,
            dimensions=full,
            mrl=self._probe(offer, word, end, dimensions=SHORT_DIMENSIONS) == SHORT_DIMENSIONS,
            modalities=frozenset({"text", "image"} if self._probe(offer, picture, end) == full else {"text"}),
        )
        return replace(offer, info=info), info

    def _probe(self, offer: vllm.Offer, entry: EmbedInput, end: float, **fields: Any) -> int | None:
        """How long a vector the server makes of an input; nothing where it refuses."""
        task = vllm.Task(self._endpoint.network, offer, "document")
        payload = task.conversations([entry]) if entry.picture else task.texts([entry.text or ""])
        most = MOST_DIMENSIONS * BYTES_A_NUMBER + SPARE_BYTES
        try:
            answer = self._transport.call("/v1/embeddings", {**payload, **fields}, end=end, most=most)
        except Refused:
            return None
        return int(vllm.vectors(answer, 1)[0].shape[1])

    def _count(self, usage: Usage) -> None:
        if self._meter is not None:
            self._meter(usage)


def endpoint_from(config: Config) -> Endpoint:
    """The endpoint that embeds, as the configuration names it."""
    return stages_from(config).embed


def _usable(entry: EmbedInput, place: int, info: EmbedderInfo) -> EmbedInput:
    """The input as it can be sent; `BadInput` names the one that can't."""
    text = clean(entry.text or "") or None
    if text is None and entry.picture is None:
        raise BadInput("an input holds neither text nor picture", index=place)
    if entry.picture is not None and "image" not in info.modalities:
        raise BadInput(f"{info.name} takes texts only", index=place)
    return EmbedInput(text, entry.picture)


def _calls(task: vllm.Task, inputs: Sequence[EmbedInput]) -> list[_Call]:
    """Texts many to a request; pictures as many as the server takes."""
    texts = [place for place, entry in enumerate(inputs) if entry.picture is None]
    pictures = [place for place, entry in enumerate(inputs) if entry.picture is not None]
    calls = [_Call(part, task.texts([inputs[at].text or "" for at in part])) for part in _parts(texts, vllm.TEXTS)]
    several = min(task.offer.conversations, vllm.CONVERSATIONS)
    calls += [_Call(part, task.conversations([inputs[at] for at in part])) for part in _parts(pictures, several)]
    return calls


def _parts(places: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(places[start : start + size]) for start in range(0, len(places), size)]


def _placed(error: BadInput, places: tuple[int, ...]) -> BadInput:
    """The error with the caller's numbering of the inputs."""
    known = error.index is not None and error.index < len(places)
    return BadInput(error.message, index=places[error.index or 0] if known else None)


def _probe_picture() -> EmbedInput:
    """A grey PNG of 64 x 64, written by hand: this process needs no picture library."""
    side = 64

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * side) * side)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return EmbedInput(picture=Picture(data, "image/png"))
