"""What goes into the networks and what comes out: frozen values that cross the wire and the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Stage = Literal["embed", "read", "caption", "rerank", "answer"]
"""What a network is asked to do; each stage may be served by another."""
DOERS: Mapping[Stage, str] = {
    "embed": "embedder",
    "read": "reader",
    "caption": "captioner",
    "rerank": "reranker",
    "answer": "answerer",
}
Purpose = Literal["document", "query"]
Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """An encoded picture that our decoder made; never an upload."""

    data: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"Picture({len(self.data)} bytes, {self.media_type})"


@dataclass(frozen=True)
class EmbedInput:
    """A text, a picture, or both together; at least one."""

    text: str | None = None
    picture: Picture | None = None


@dataclass(frozen=True)
class Usage:
    """What one call to a `Client` cost.

    operation: the stage, or `query` for an embedded question. embedder: the network's name. tokens: those sent.
    cost: US dollars, where the provider itself says; else the price table tells. provider: the server's host, empty for
    the embedded server. pictures: how many inputs hold one. failed: paid for, but nothing came of it.
    """

    operation: str
    embedder: str
    calls: int
    inputs: int
    tokens: int
    seconds: float
    output_tokens: int = 0
    cost: float | None = None
    provider: str = ""
    pictures: int = 0
    failed: bool = False


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors, float32, one row an input, in the order of the inputs."""

    vectors: Vectors
    usage: Usage


@dataclass(frozen=True)
class Word:
    """A word read from a picture; box is left, top, right, bottom as shares (0..1) of width and height."""

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Reading:
    """What a reader saw: text joined line by line, its words, and (label, probability) tags, likeliest first."""

    text: str
    words: tuple[Word, ...]
    tags: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class EmbedderInfo:
    """What an embedder is and can do; `notes` are honest sentences to show to people."""

    name: str
    revision: str
    dimensions: int
    mrl: bool
    modalities: frozenset[str]
    notes: tuple[str, ...] = ()
    reads: bool = False
    captions: bool = False


@dataclass(frozen=True)
class Caption:
    """What a captioner says of a picture. `complete` is false where its answer was no JSON: then only `caption` is set.

    kind: photo, screenshot, document, diagram, chart, illustration or other. language: ISO 639-1 of `text`, or empty.
    """

    caption: str
    tags: tuple[str, ...]
    text: str
    kind: str
    language: str
    complete: bool = True


@dataclass(frozen=True)
class Ranking:
    """Relevance of each document to the query, 0..1, in the order the documents were given."""

    scores: tuple[float, ...]
    usage: Usage


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; pictures stand before the text."""

    role: Literal["system", "user", "assistant"]
    text: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of a streamed answer. The last piece, and only that, has `finish`: stop, length, content_filter or other.

    A stream that ends without one raises BadAnswer: what came before is not a whole answer.
    """

    text: str = ""
    thinking: str = ""
    finish: str | None = None
    usage: Usage | None = None
