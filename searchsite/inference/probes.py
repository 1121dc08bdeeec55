"""What an embedder is tried with, and what right vectors show: inputs with a known answer, and their margins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from searchsite.inference.prompts import prompt_for
from searchsite.inference.types import EmbedInput, Picture, Vectors

PICTURES = Path(__file__).parent / "checked_with"
CAT_WORDS = "A tabby cat looking into the camera."
SIGN_WORDS = ("HARBOUR", "2231")
"""What stands on the drawn sign."""
SAME = 0.9999
"""Cosine that one input must have with itself, asked for twice."""
NEIGHBOURS = 0.999
"""Cosine of an input alone and among others: in half precision the size of a batch rounds otherwise."""
OTHER_INSTRUCTION = "Find images matching this description."


@dataclass(frozen=True)
class Margins:
    """Cosines that right vectors reach: what is at least near, and by how much nearer than what has nothing to do."""

    near: float
    ahead: float


@dataclass(frozen=True)
class Family:
    """Embedders that see the same prompt: a question, another that has nothing to do with the document, and margins.

    both: how near a picture with its words is to the words alone. heeds: an instruction changes its vectors.
    """

    question: str
    unrelated: str
    document: str
    text: Margins
    picture: Margins | None = None
    both: float | None = None
    heeds: bool = True


BEACH = (
    "A woman playing with her dog on a beach at sunset.",
    "City skyline view from a high-rise building at night.",
    "A woman shares a joyful moment with her golden retriever on a sun-drenched beach at sunset, as the dog offers its"
    " paw in a heartwarming display of companionship and trust.",
)
CAPITAL = ("What is the capital of China?", "Explain gravity", "The capital of China is Beijing.")
FAMILIES = {
    # Published for the 2B: question and document 0.79 (vLLM) to 0.82, the unrelated question 0.11; question and
    # picture 0.72 to 0.78, the unrelated one 0.04; document and picture with document 0.85 to 0.93. A server with
    # another template gave 0.28 for question and picture, 0.44 for document and both.
    "chat": Family(*BEACH, text=Margins(0.5, 0.2), picture=Margins(0.35, 0.15), both=0.6),
    # Published for the 0.6B: 0.76 against 0.14.
    "instruct": Family(*CAPITAL, text=Margins(0.5, 0.2)),
    # Measured: 0.66 against 0.07; picture 0.37 against -0.04; both 0.83.
    "builtin": Family(*BEACH, text=Margins(0.4, 0.2), picture=Margins(0.2, 0.1), both=0.6, heeds=False),
    # Of any other embedder no numbers are known: it must only tell the two apart.
    "plain": Family(*CAPITAL, text=Margins(-1.0, 0.02), heeds=False),
}


class Probe(NamedTuple):
    """One thing looked at: its name, what was found, and whether that is right."""

    subject: str
    found: str
    right: bool


def family_of(network: str) -> Family:
    """What is known of embedders of this name."""
    return FAMILIES["builtin" if network == "builtin" else prompt_for(network)]


@cache
def cat() -> Picture:
    """A photograph of a tabby cat. Its sides are multiples of 32, so that it is sent as it is."""
    return Picture((PICTURES / "cat.jpg").read_bytes(), "image/jpeg")


@cache
def sign() -> Picture:
    """A drawn sign with `SIGN_WORDS` on it."""
    return Picture((PICTURES / "sign.png").read_bytes(), "image/png")


def documents(family: Family, *, pictures: bool) -> list[EmbedInput]:
    """The document and one more text; then the cat, the sign, and the cat with its words."""
    texts = [EmbedInput(text=family.document), EmbedInput(text=CAT_WORDS)]
    return texts + pictures * [EmbedInput(picture=cat()), EmbedInput(picture=sign()), EmbedInput(CAT_WORDS, cat())]


def questions(family: Family) -> list[EmbedInput]:
    """The question, the one that has nothing to do with the document, and one for the cat."""
    return [EmbedInput(text=text) for text in (family.question, family.unrelated, CAT_WORDS)]


def norms(vectors: Vectors) -> Probe:
    """Every vector has length one."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    return Probe("norm", f"{lengths.min():.4f} to {lengths.max():.4f}", bool(np.abs(lengths - 1).max() < 1e-3))


def steady(first: Vectors, again: Vectors) -> Probe:
    """The same input has the same vector each time."""
    near = cosine(first, again)
    return Probe("same twice", f"cosine {near:.5f}", near >= SAME)


def in_order(alone: Vectors, among: Vectors, neighbour: Vectors) -> Probe:
    """An input has the vector it has alone, and not its neighbour's."""
    near = cosine(alone, among)
    return Probe("batches", f"cosine {near:.5f} alone and among others", near >= NEIGHBOURS > cosine(alone, neighbour))


def related(family: Family, made: Vectors, asked: Vectors) -> Probe:
    """The document is nearer to its question than to the other."""
    return _margin("related texts", cosine(asked[0], made[0]), cosine(asked[1], made[0]), family.text)


def seen(family: Family, made: Vectors, asked: Vectors) -> Iterator[Probe]:
    """Pictures are looked at: they differ from texts and from each other, and are near to what they show."""
    words, cat_alone, sign_alone, cat_and_words = made[1:5]
    apart = max(cosine(words, cat_alone), cosine(cat_alone, sign_alone))
    yield Probe("pictures differ", f"cosine {apart:.2f} at most", apart < NEIGHBOURS)
    if family.picture is not None:
        yield _margin("related picture", cosine(asked[2], cat_alone), cosine(asked[1], cat_alone), family.picture)
    if family.both is not None:
        near = cosine(words, cat_and_words)
        yield Probe("picture and words", f"cosine {near:.2f} with the words", near >= family.both)


def heeded(plain: Vectors, instructed: Vectors) -> Probe:
    """Another instruction makes another vector."""
    near = cosine(plain, instructed)
    return Probe("instruction", f"cosine {near:.5f} with another one", near < 0.99999)


def cosine(one: Vectors, other: Vectors) -> float:
    """Of unit vectors."""
    return float(one.astype(np.float64) @ other.astype(np.float64))


def _margin(subject: str, near: float, far: float, margins: Margins) -> Probe:
    right = near >= margins.near and near - far >= margins.ahead
    return Probe(subject, f"{near:.2f} against {far:.2f}", right)
