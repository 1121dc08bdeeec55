"""What goes into the networks and what comes out: frozen values that cross the wire and the rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    """What one call to a `Client` cost."""

    operation: str
    embedder: str
    calls: int
    inputs: int
    tokens: int
    seconds: float


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
