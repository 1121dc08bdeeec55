"""What an embedder is: as its server's list says, and where that says too little, as trying shows."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from searchsite.inference.calling import Exchange, Line, Patience
from searchsite.inference.dialects.base import EmbedTask, Offer, Spent
from searchsite.inference.errors import BadAnswer, InferenceError, NotOffered, Refused
from searchsite.inference.types import EmbedderInfo, EmbedInput, Picture, Vectors

LIST_BYTES = 16 * 2**20
BYTES_A_NUMBER = 40
SPARE_BYTES = 64 * 1024
MOST_DIMENSIONS = 8_192
SHORT_DIMENSIONS = 64
WORD = EmbedInput(text="a")
SHORTENABLE = {"chat", "instruct"}
"""Prompts of the embedders whose vectors may be cut wherever they are served."""


@dataclass(frozen=True)
class Known:
    """What is known of an embedder.

    listed: what the list said. offer: the same, with how to send a picture. info: as callers see it, its vectors cut.
    full: the length of its whole vectors. cuts: whether the server cuts them when it is asked to.
    """

    listed: Offer
    offer: Offer
    info: EmbedderInfo
    full: int
    cuts: bool

    @property
    def asked(self) -> int | None:
        """The length to ask the server for."""
        return self.info.dimensions if self.cuts and self.info.dimensions < self.full else None

    def cut(self, vectors: Vectors) -> Vectors:
        """Vectors of the length that callers see. Raises BadAnswer for what the embedder could not have made."""
        length = vectors.shape[1]
        if length not in (self.full, self.asked):
            raise BadAnswer(f"{self.info.name} made {length} dimensions where {self.full} were due")
        if length == self.info.dimensions:
            return vectors
        short = vectors[:, : self.info.dimensions]
        lengths = np.linalg.norm(short.astype(np.float64), axis=1, keepdims=True)
        if not lengths.all():
            raise BadAnswer("a vector is all zeros where it is cut")
        unit: Vectors = (short / lengths).astype(np.float32)
        return unit


def learn(line: Line, *, end: float, patience: Patience, earlier: Known | None) -> Known:
    """Ask the server about its embedder. What was tried earlier is not tried again while the list says the same."""
    offer = listed(line, end=end, patience=patience)
    if earlier is not None and earlier.listed == offer:
        return earlier
    trial = _Trial(line, end, patience)
    if offer.info is not None:
        return _known(line, offer, offer, offer.info, cuts=offer.info.mrl)
    full = trial.length(offer, WORD)
    if full is None:
        raise Refused(f"{line.endpoint.name} does not embed texts with {line.endpoint.network!r}")
    cuts = trial.length(offer, WORD, SHORT_DIMENSIONS) == SHORT_DIMENSIONS
    pictured = None
    if offer.modalities is None or "image" in offer.modalities:
        pictured = next(
            (form for form in line.dialect.forms(offer) if trial.length(form, EmbedInput(picture=grey())) == full), None
        )
    modalities = frozenset({"text"} if pictured is None else {"text", "image"})
    info = EmbedderInfo(line.endpoint.network, offer.revision, full, cuts, modalities)
    return _known(line, offer, pictured or offer, info, cuts=cuts)


def proof(line: Line, known: Known) -> Exchange[Any]:
    """The shortest call that shows that the embedder answers."""
    return _exchange(line, EmbedTask(known.offer, "query"), WORD)


def vector_bytes(count: int, length: int) -> int:
    """How many bytes an answer with vectors may have: each number in decimal, and some more."""
    return count * length * BYTES_A_NUMBER + SPARE_BYTES


def listed(line: Line, *, end: float, patience: Patience) -> Offer:
    """What the server's list says of the endpoint's network. Raises NotOffered."""
    request = line.dialect.catalogue(embedding=True)
    network = line.endpoint.network

    def parse(answer: Any) -> Offer:
        return line.dialect.offer(answer, network)

    if request is None:
        return parse(None)
    found = line.ask(Exchange(request, parse, LIST_BYTES), end=end, patience=patience)
    about = line.dialect.about(found)
    if about is None:
        return found
    more = Exchange(about, lambda answer: line.dialect.learned(found, answer), LIST_BYTES)
    return line.ask(more, end=end, patience=patience)


def missing(line: Line, *, end: float) -> NotOffered | None:
    """The refusal that tells what there is, if the list does not have the endpoint's network."""
    request = line.dialect.catalogue(embedding=False)
    if request is None:
        return None
    try:
        line.ask(Exchange(request, lambda one: line.dialect.offer(one, line.endpoint.network), LIST_BYTES), end=end)
    except NotOffered as error:
        return error
    except InferenceError:
        return None
    return None


def _known(line: Line, listed: Offer, offer: Offer, info: EmbedderInfo, *, cuts: bool) -> Known:
    shortens = cuts or offer.prompt in SHORTENABLE
    most = line.endpoint.dimensions
    length = min(most, info.dimensions) if shortens and most is not None else info.dimensions
    return Known(listed, offer, replace(info, dimensions=length, mrl=shortens), info.dimensions, cuts)


def _exchange(line: Line, task: EmbedTask, entry: EmbedInput) -> Exchange[tuple[Vectors, Spent]]:
    request = line.dialect.embed(task, [entry])
    return Exchange(request, lambda answer: line.dialect.vectors(answer, 1), vector_bytes(1, MOST_DIMENSIONS))


@dataclass(frozen=True)
class _Trial:
    """Asks for vectors to see what comes."""

    line: Line
    end: float
    patience: Patience

    def length(self, offer: Offer, entry: EmbedInput, dimensions: int | None = None) -> int | None:
        """How long a vector the server makes of an input; nothing where it refuses."""
        exchange = _exchange(self.line, EmbedTask(offer, "document", dimensions=dimensions), entry)
        try:
            vectors, _ = self.line.ask(exchange, end=self.end, patience=self.patience)
        except Refused:
            return None
        return int(vectors.shape[1])


def grey() -> Picture:
    """A grey PNG of 64 x 64, written by hand."""
    side = 64

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * side) * side)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return Picture(data, "image/png")
