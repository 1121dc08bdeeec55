"""Tells whether an embedder is still the one that made a space: other weights may answer to the same name."""

from __future__ import annotations

import base64
import threading
import time
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from searchsite.accounts import meter
from searchsite.indexing.models import Space
from searchsite.inference.client import Client
from searchsite.inference.errors import InferenceError, Unreachable
from searchsite.inference.types import EmbedInput, Picture, Vectors

SENTENCE = "A fisherman mends his net in the harbour before the tide comes in."
# 64 x 64 pixels of one grey.
GREY = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQ"
    "fA8G320AeXC6efoAAAAASUVORK5CYII="
)
LEAST_ALIKE = 0.99
EVERY_SECONDS = 3600.0
SECONDS = 60.0
"""How long the embedder may take to show what it is; a search waits less."""
_looked_at: dict[tuple[int, str], float] = {}
_looking: defaultdict[tuple[int, str], threading.Lock] = defaultdict(threading.Lock)


class WrongEmbedder(InferenceError):
    """What answers is not the embedder that the library is indexed with."""

    shared = True


def taken(client: Client, *, pictures: bool, seconds: float = SECONDS) -> dict[str, str]:
    """The fingerprint of what the client embeds with, within so many seconds. Raises an InferenceError."""
    end = time.monotonic() + seconds
    shown = {"text": EmbedInput(text=SENTENCE), "picture": EmbedInput(picture=Picture(GREY, "image/png"))}
    found: dict[str, str] = {}
    # One after the other: a server that refuses the key is then asked once by each process, not twice.
    for name in ("text", "picture") if pictures else ("text",):
        with meter.paying([None]):
            left = max(end - time.monotonic(), 0)
            vectors = client.embed([shown[name]], purpose="document", seconds=left).vectors
        found[name] = _written(vectors[0])
    return found


def alike(kept: Mapping[str, str], found: Mapping[str, str]) -> bool:
    """Whether two fingerprints are of the same weights. Arithmetic differs a little from machine to machine."""
    return kept.keys() == found.keys() and all(_cosine(kept[name], found[name]) >= LEAST_ALIKE for name in kept)


def require_same(space: Space, client: Client, *, seconds: float = SECONDS) -> None:
    """Compare the embedder with the space, on this process's first call and every hour.

    Raises WrongEmbedder, or another InferenceError that is shared when it can't be told within so many seconds.
    """
    key = (space.pk, repr(client))
    if _is_fresh(key):
        return
    # The first call waits for the verdict; an hour later one caller looks while the others go on.
    first = key not in _looked_at
    if not _looking[key].acquire(timeout=seconds if first else 0):
        if first:
            raise Unreachable(f"{space.embedder} takes too long to show that it is the same as before")
        return
    try:
        if not _is_fresh(key):
            _compare(space, client, seconds)
            _looked_at[key] = time.monotonic()
    finally:
        _looking[key].release()


def _is_fresh(key: tuple[int, str]) -> bool:
    return key in _looked_at and time.monotonic() < _looked_at[key] + EVERY_SECONDS


def _compare(space: Space, client: Client, seconds: float) -> None:
    try:
        found = taken(client, pictures=space.takes_pictures, seconds=seconds)
    except InferenceError as error:
        if error.shared:
            raise
        # What it failed on is our own sentence: no input of a library is to blame.
        raise Unreachable(error.message, retry_after=error.retry_after) from error
    if not space.fingerprint:
        # A space of an earlier version of this program.
        Space.objects.filter(pk=space.pk).update(fingerprint=found)
    elif not alike(space.fingerprint, found):
        raise WrongEmbedder(
            f"{space.embedder} has other weights now than those that the library is indexed with:"
            " go back to them, or build a new space."
        )


def forget() -> None:
    """Compare each embedder anew at its next call."""
    _looked_at.clear()


def _written(vector: Vectors) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def _cosine(left: str, right: str) -> float:
    one, other = (np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32) for text in (left, right))
    if one.shape != other.shape:
        return 0.0
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9))
