"""Questions with what answers each: texts and pictures by which a space is calibrated."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from searchsite.inference.types import EmbedInput, Picture

FOLDER = Path(__file__).parent
UNRELATED, SEED = 100, 5
SHORT = ("words", "letters")
"""Kinds of single words that nothing answers: made-up and rare ones of many fields and some languages; mashed keys."""
LEAST_LETTERS = 4


@dataclass(frozen=True)
class Pair:
    """A question, what answers it, and, of a picture, a part of the same one seen otherwise."""

    question: EmbedInput
    answer: EmbedInput
    again: EmbedInput | None = None


@lru_cache(maxsize=1)
def texts() -> tuple[Pair, ...]:
    """Questions with the passages that answer them, some in another language."""
    return tuple(Pair(EmbedInput(text=asked), EmbedInput(text=said)) for asked, said in _rows("texts.jsonl"))


def pictures() -> tuple[Pair, ...]:
    """Descriptions with the pictures that show it."""
    return tuple(
        Pair(EmbedInput(text=said), _picture(name), _picture(f"{name}-again")) for name, said in _rows("pictures.jsonl")
    )


@lru_cache(maxsize=1)
def unrelated() -> tuple[EmbedInput, ...]:
    """Questions that nothing answers: a few words of different texts each. Always the same."""
    chance = random.Random(SEED)
    by_text = [
        [word for word in re.findall(r"\w+", f"{asked} {said}") if len(word) >= LEAST_LETTERS]
        for asked, said in _rows("texts.jsonl")
    ]
    drawn = (chance.sample(by_text, chance.randint(2, 6)) for _ in range(UNRELATED))
    return tuple(EmbedInput(text=" ".join(chance.choice(words) for words in some)) for some in drawn)


def short(kind: str) -> tuple[EmbedInput, ...]:
    """Single words of a kind of SHORT."""
    return tuple(EmbedInput(text=word) for word in _lines(f"{kind}.txt"))


def _rows(name: str) -> list[tuple[str, str]]:
    return [(asked, said) for asked, said in map(json.loads, _lines(name))]


def _lines(name: str) -> list[str]:
    return (FOLDER / name).read_text(encoding="utf-8").splitlines()


def _picture(name: str) -> EmbedInput:
    return EmbedInput(picture=Picture((FOLDER / f"{name}.webp").read_bytes(), "image/webp"))
