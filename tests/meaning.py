"""What stand-ins for networks make of words and pictures: vectors that are near where words are shared.

A picture is seen as words: those of its main colours, or what `Seen` says of a picture that is known. Vectors follow
the prompt as the genuine embedders do: one that was not rendered as it should be leads far away.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image

from searchsite.inference import probes

Numbers = np.ndarray[Any, np.dtype[np.float64]]
CHAT = re.compile(
    r"<\|im_start\|>system\n(.*?)<\|im_end\|>\n<\|im_start\|>user\n(.*?)<\|im_end\|>\n<\|im_start\|>assistant\n",
    re.DOTALL,
)
INSTRUCT = re.compile(r"Instruct: (.*?)\nQuery:(.*)", re.DOTALL)
SMALL = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "her", "in", "into", "is", "it", "its", "of", "on", "the")
)
COLOURS = {
    "red": (210, 30, 30),
    "orange": (240, 140, 20),
    "yellow": (235, 220, 40),
    "green": (30, 150, 50),
    "teal": (20, 140, 140),
    "blue": (30, 60, 210),
    "purple": (130, 40, 160),
    "pink": (245, 150, 190),
    "brown": (120, 75, 35),
    "black": (10, 10, 10),
    "grey": (128, 128, 128),
    "white": (250, 250, 250),
}
FEWEST_OF_A_COLOUR = 0.08
BASE, TOLD, PICTURED, LOST = 0.45, 0.3, 0.5, 3.0
"""Beside the words: what all inputs share, an instruction, a picture's own look, and a prompt that is not right."""
SHORTEST_PLURAL = 4


@dataclass(frozen=True)
class Seen:
    """What a picture shows."""

    caption: str
    tags: tuple[str, ...]
    text: str = ""
    kind: str = "photo"
    language: str = ""

    def answer(self) -> dict[str, Any]:
        """As a captioner's JSON."""
        fields = {"caption": self.caption, "tags": list(self.tags), "text": self.text}
        return {**fields, "kind": self.kind, "language": self.language}

    @property
    def words(self) -> str:
        return f"{self.caption} {self.text}"


def seen(data: bytes) -> Seen:
    """What can be told of a picture: the two that networks are checked with are known, others by their colours."""
    if data == probes.cat().data:
        return Seen(probes.CAT_WORDS, ("cat", "tabby", "animal", "face", "camera"))
    if data == probes.sign().data:
        text = " ".join(probes.SIGN_WORDS)
        return Seen("A sign that names a harbour.", ("sign", "harbour", "text", "number", "words"), text, language="en")
    colours = _colours(data)
    caption = f"A picture in {' and '.join(colours)}."
    return Seen(caption, (*colours, "picture", "colour", "drawing", "surface"), kind="illustration")


def vector(text: str, picture: bytes | None, *, told: str, size: int, lost: bool = False) -> Numbers:
    """The unit vector of an input. lost: it was not asked for as it should be."""
    words = _words(text) + ([] if picture is None else _words(seen(picture).words))
    total = sum((_hashed(word, size) for word in sorted(set(words))), np.zeros(size))
    if words:
        total = total / np.linalg.norm(total)
    total = total + BASE * _hashed(" ", size) + TOLD * _hashed(f"told {told}", size)
    if picture is not None:
        total = total + PICTURED * _hashed(hashlib.sha256(picture).hexdigest(), size)
    if lost:
        total = total + LOST * _hashed(f"lost {text}", size)
    found: Numbers = total / np.linalg.norm(total)
    return found


def prompted(text: str, prompt: Literal["plain", "chat", "instruct"]) -> tuple[str, str, bool]:
    """Instruction and text of a rendered prompt, and whether it was not rendered as this kind of network needs it."""
    found = {"chat": CHAT, "instruct": INSTRUCT}[prompt].fullmatch(text) if prompt != "plain" else None
    if found is None:
        return "", text, prompt == "chat"
    return found[1], found[2], False


def _words(text: str) -> list[str]:
    found = [word for word in re.findall(r"\w+", text.lower()) if word not in SMALL]
    return [word.removesuffix("s") if len(word) >= SHORTEST_PLURAL else word for word in found]


@lru_cache(maxsize=4096)
def _hashed(word: str, size: int) -> Numbers:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    found: Numbers = np.random.default_rng(seed).standard_normal(size)
    return found / np.linalg.norm(found)


@lru_cache(maxsize=256)
def _colours(data: bytes) -> tuple[str, ...]:
    """The names of a picture's main colours, the commonest first."""
    names = list(COLOURS)
    known = np.array(list(COLOURS.values()), np.float64)
    with Image.open(io.BytesIO(data)) as opened:
        pixels = np.asarray(opened.convert("RGB").resize((16, 16)), np.float64).reshape(-1, 3)
    nearest = ((pixels[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names)) / len(pixels)
    order = sorted(range(len(names)), key=lambda place: -counts[place])
    return tuple(names[place] for place in order[:3] if counts[place] >= FEWEST_OF_A_COLOUR)
