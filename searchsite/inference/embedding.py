"""Inputs to be embedded: made fit to send, and divided into requests by count, bytes and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from searchsite.inference import resizing
from searchsite.inference.dialects.base import Dialect, EmbedTask, Offer
from searchsite.inference.errors import BadInput, InferenceError
from searchsite.inference.offers import Known
from searchsite.inference.prompts import clean
from searchsite.inference.types import EmbedInput, Vectors

CONVERSATIONS = 8
"""Inputs with pictures in one request, where the server takes several."""
MOST_TOKENS = 100_000
"""Of one request's texts; more would keep other requests waiting for long."""
BYTES_A_TOKEN = 3


@dataclass(frozen=True)
class Batch:
    """The inputs of one request, and their places among the caller's."""

    places: tuple[int, ...]
    inputs: tuple[EmbedInput, ...]

    def placed(self, error: BadInput) -> BadInput:
        """The error with the caller's numbering of the inputs."""
        known = error.index is not None and error.index < len(self.places)
        return BadInput(error.message, index=self.places[error.index or 0] if known else None)


@dataclass(frozen=True)
class Call:
    """What all requests of one call to embed have in common. end: when the last must be answered."""

    task: EmbedTask
    known: Known
    end: float


@contextmanager
def keeping(made: Mapping[int, Vectors]) -> Iterator[None]:
    """Let the error that ends several requests have what the others gave."""
    try:
        yield
    except InferenceError as error:
        error.made = made
        raise


def usable(entry: EmbedInput, place: int, known: Known) -> EmbedInput:
    """The input as the embedder takes it; `BadInput` names the one that it can't take."""
    ready = sendable(entry, place)
    if ready.picture is None:
        return ready
    if "image" not in known.info.modalities:
        raise BadInput(f"{known.info.name} takes texts only", index=place)
    if known.offer.prompt != "chat":
        return ready
    try:
        return EmbedInput(ready.text, resizing.fitted(ready.picture, resizing.EMBED_PIXELS))
    except resizing.NoPicture as error:
        raise BadInput(str(error), index=place) from error


def sendable(entry: EmbedInput, place: int) -> EmbedInput:
    """The input without what no server takes."""
    text = clean(entry.text or "") or None
    if text is None and entry.picture is None:
        raise BadInput("an input holds neither text nor picture", index=place)
    return EmbedInput(text, entry.picture)


def batches(inputs: Sequence[EmbedInput], offer: Offer, dialect: Dialect) -> list[Batch]:
    """Texts many to a request; pictures as many as the server takes."""
    texts = [place for place, entry in enumerate(inputs) if entry.picture is None]
    pictures = [place for place, entry in enumerate(inputs) if entry.picture is not None]
    several = min(offer.conversations, CONVERSATIONS)
    parts = [*_parts(texts, inputs, dialect.most_texts, dialect), *_parts(pictures, inputs, several, dialect)]
    return [Batch(part, tuple(inputs[place] for place in part)) for part in parts]


def _parts(
    places: Sequence[int], inputs: Sequence[EmbedInput], most: int, dialect: Dialect
) -> Iterator[tuple[int, ...]]:
    part: list[int] = []
    full = _budget(most, dialect.most_bytes)
    for place in places:
        if full(inputs[place]) and part:
            yield tuple(part)
            part = []
            full = _budget(most, dialect.most_bytes)
            full(inputs[place])
        part.append(place)
    if part:
        yield tuple(part)


def _budget(count: int, size: int) -> Callable[[EmbedInput], bool]:
    """Takes one input after the other, and says whether that is too much for one request."""
    spent = [0, 0, 0]

    def take(entry: EmbedInput) -> bool:
        text = len((entry.text or "").encode())
        spent[0] += 1
        spent[1] += text + (len(entry.picture.data) * 4 // 3 if entry.picture else 0)
        spent[2] += text // BYTES_A_TOKEN
        return spent[0] > count or spent[1] > size or spent[2] > MOST_TOKENS

    return take
