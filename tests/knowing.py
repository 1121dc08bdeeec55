"""A fake whose vectors are right for networks of Qwen3, or wrong in one of the ways that real servers are wrong.

    with Knowing("Qwen/Qwen3-VL-Embedding-2B") as fake:
        fake.wrong = "template"

It knows the two pictures that networks are checked with. The rest is as with any fake.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np

from searchsite.inference import probes
from tests.fake_inference import FakeInference

CHAT = re.compile(
    r"<\|im_start\|>system\n(?P<told>.*?)<\|im_end\|>\n<\|im_start\|>user\n(?P<said>.*?)<\|im_end\|>\n"
    r"<\|im_start\|>assistant\n",
    re.DOTALL,
)
INSTRUCT = re.compile(r"Instruct: (?P<told>.*?)\nQuery:(?P<said>.*)", re.DOTALL)
TOLD, SEEN, NOISE = 0.3, 1.5, 12.0
"""How much an instruction, a picture's own look, and a wrong template weigh beside one word."""
TOPICS, TOPIC = ("beach", "dog", "capital"), 2.0
"""Words that say what a text is about weigh more."""
WRONG = ("template", "flags", "instruction", "pictures", "random", "neighbour")
SMALL = ("a", "the", "of", "is", "what", "her", "its", "with", "into", "from", "an", "as", "on", "at", "in")


class Knowing(FakeInference):
    """`wrong`: template (of texts and pictures), flags (of pictures alone), instruction (dropped), pictures (not looked
    at), random (noise in each vector), neighbour (each input gets the vector of the next)."""

    def __init__(self, embedder: str, *, dimensions: int = 256) -> None:
        super().__init__(dimensions=dimensions, embedder=embedder, own=False)
        self.matryoshka = True
        self.wrong = ""
        self.pictures = "VL" in embedder
        self._noise = np.random.default_rng(1)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, answer = super().answer(path, body)
        data = answer.get("data", [])
        if self.wrong == "neighbour" and path == "/v1/embeddings" and len(data) > 1:
            for row, other in zip(data, [one["embedding"] for one in data[1:] + data[:1]], strict=True):
                row["embedding"] = other
        return status, answer

    def vector(self, text: str, picture: str = "") -> np.ndarray[Any, np.dtype[np.float32]]:
        prompt = CHAT.fullmatch(text) or INSTRUCT.fullmatch(text)
        told, said = (prompt["told"], prompt["said"]) if prompt else ("", text)
        total = self._words(said)
        if told and self.wrong != "instruction":
            total += TOLD * self._hashed(told)
        if picture and self.wrong != "pictures":
            total += self._words(_shown(picture)) + SEEN * self._hashed(picture)
        if self.wrong == "template" or (self.wrong == "flags" and picture):
            total += NOISE * self._hashed(f"{text} {picture}")
        if self.wrong == "random":
            total += self._noise.standard_normal(self.dimensions)
        if not total.any():
            total = self._hashed("NULL")
        return (total / np.linalg.norm(total)).astype(np.float32)

    def _words(self, text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        words = {re.sub(r"\W", "", word) for word in text.lower().split()} - {*SMALL, ""}
        weights = {word: TOPIC if word in TOPICS else 1.0 for word in sorted(words)}
        return sum((weight * self._hashed(word) for word, weight in weights.items()), np.zeros(self.dimensions))


def _shown(picture: str) -> str:
    """What is on one of the known pictures."""
    known = {probes.cat(): probes.CAT_WORDS, probes.sign(): " ".join(probes.SIGN_WORDS)}
    data = picture.partition("base64,")[2]
    return next((words for one, words in known.items() if base64.b64encode(one.data).decode() == data), "")
