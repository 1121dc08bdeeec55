"""Made-up vectors that are as hard to search as those of real embedders: seeded, any number, any width.

Topics (their sizes follow Zipf) have subtopics; an item is a subtopic plus noise that differs in shape by topic, in a
latent space of 256 dimensions whose variance falls as 1/j. It is mapped to d coordinates whose scale falls, so that
a prefix says most (as Matryoshka embedders have it), a twentieth of the energy is plain noise, all share a mean (the
cone), and all have length 1. Written block by block as fp16: one block is all that memory holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Numbers = NDArray[np.int64]
Kind = Literal["in", "cross"]
TOPICS, SUBTOPICS, LATENT = 200, 50, 256
BLOCK = 8192
QUERIES = 1000
# Tuned so that cosines, local intrinsic dimension and the recall of sign bits and of prefixes are those of real sets.
TOPIC, SUBTOPIC, LOCAL, ANISOTROPY = 1.0, 0.7, 0.5, 0.6
PLAIN_ENERGY, CONE = 0.05, 0.48
CROSS_NOISE, GAP = 0.3, 0.5
_WORLD, _ITEMS, _QUESTIONS = 0, 1, 2


@dataclass(frozen=True)
class Block:
    """Unit vectors (n, d), and of each the place of its subtopic among all of them, 0 <= place < 1."""

    start: int
    vectors: Halves
    places: Floats


@dataclass(frozen=True)
class World:
    """The distribution. The same seed and dimensions always give the same vectors."""

    dimensions: int = 1024
    seed: int = 7

    def blocks(self, count: int) -> Iterator[Block]:
        """The items, in blocks of 8192. A block depends on its number alone: a longer run begins with a shorter one."""
        for start in range(0, count, BLOCK):
            chance = np.random.default_rng([self.seed, _ITEMS, start // BLOCK])
            number, drawn = min(BLOCK, count - start), self._drawn(chance, BLOCK)
            vectors = self._mapped(drawn[0], chance)
            yield Block(start, vectors[:number].astype(np.float16), drawn[1][:number])

    def queries(self, kind: Kind, count: int = QUERIES) -> Floats:
        """Questions: "in" are items that were held out (a picture asks for pictures), "cross" have noise of their own
        and lie off to one side (a text asks for pictures)."""
        chance = np.random.default_rng([self.seed, _QUESTIONS, kind == "cross"])
        latent, _places = self._drawn(chance, count)
        if kind == "in":
            return self._mapped(latent, chance)
        noise = chance.normal(size=latent.shape).astype(np.float32) * self._spread
        return self._mapped(latent + CROSS_NOISE * noise, chance, aside=GAP * self._gap)

    def _drawn(self, chance: np.random.Generator, count: int) -> tuple[Floats, Floats]:
        """Latent vectors and the places of their subtopics."""
        topics = chance.choice(TOPICS, size=count, p=self._shares)
        subtopics = chance.integers(SUBTOPICS, size=count)
        local = chance.normal(size=(count, LATENT)).astype(np.float32) * self._spread * self._shapes[topics]
        latent = self._topics[topics] + self._subtopics[topics, subtopics] + LOCAL * local
        begins = np.concatenate(([0.0], np.cumsum(self._shares)))[topics]
        within = (subtopics + chance.random(count)) / SUBTOPICS * self._shares[topics]
        return latent, np.minimum(begins + within, 1 - 1e-6).astype(np.float32)

    def _mapped(self, latent: Floats, chance: np.random.Generator, aside: Floats | float = 0.0) -> Floats:
        """To coordinates: scaled, with noise, round the common mean, of length 1."""
        mapped = (latent @ self._map) * self._scale
        mapped /= self._typical
        noise = chance.standard_normal(mapped.shape, dtype=np.float32) * np.float32(
            np.sqrt(PLAIN_ENERGY / self.dimensions)
        )
        vectors: Floats = mapped + noise + CONE * self._mean + aside
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    @cached_property
    def _chance(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, _WORLD])

    @cached_property
    def _world(self) -> dict[str, Any]:
        """Drawn once, in this order. What is wider than the latent space comes last: it alone depends on d."""
        chance = self._chance
        spread = (1 / np.arange(1, LATENT + 1)) ** 0.5
        shares = 1 / np.arange(1, TOPICS + 1)
        made = {
            "spread": spread,
            "shares": shares / shares.sum(),
            "topics": TOPIC * spread * chance.normal(size=(TOPICS, LATENT)),
            "subtopics": SUBTOPIC * spread * chance.normal(size=(TOPICS, SUBTOPICS, LATENT)),
            "shapes": np.exp(ANISOTROPY * chance.normal(size=(TOPICS, LATENT))),
            "map": chance.normal(size=(LATENT, self.dimensions)) / np.sqrt(self.dimensions),
            "scale": (1 + np.arange(self.dimensions) / 64) ** -0.25,
            "mean": chance.normal(size=self.dimensions),
            "gap": chance.normal(size=self.dimensions),
        }
        return {name: value.astype(np.float64 if name == "shares" else np.float32) for name, value in made.items()}

    @property
    def _spread(self) -> Floats:
        return self._world["spread"]  # type: ignore[no-any-return]

    @property
    def _shares(self) -> NDArray[np.float64]:
        return self._world["shares"]  # type: ignore[no-any-return]

    @property
    def _topics(self) -> Floats:
        return self._world["topics"]  # type: ignore[no-any-return]

    @property
    def _subtopics(self) -> Floats:
        return self._world["subtopics"]  # type: ignore[no-any-return]

    @property
    def _shapes(self) -> Floats:
        return self._world["shapes"]  # type: ignore[no-any-return]

    @property
    def _map(self) -> Floats:
        return self._world["map"]  # type: ignore[no-any-return]

    @property
    def _scale(self) -> Floats:
        return self._world["scale"]  # type: ignore[no-any-return]

    @cached_property
    def _mean(self) -> Floats:
        return _unit(self._world["mean"] * self._scale)

    @cached_property
    def _gap(self) -> Floats:
        return _unit(self._world["gap"] * self._scale)

    @cached_property
    def _typical(self) -> np.float32:
        """The length of a typical mapped vector: all shares of energy are of this."""
        latent, _places = self._drawn(np.random.default_rng([self.seed, _WORLD, 1]), 2000)
        return np.float32(np.sqrt(np.mean(np.sum(((latent @ self._map) * self._scale) ** 2, axis=1))))


def write(world: World, count: int, path: Path) -> Numbers:
    """Write the items as a .npy file of fp16, (count, d), and return their places as millionths."""
    opened = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(count, world.dimensions))
    places = np.empty(count, dtype=np.int64)
    for block in world.blocks(count):
        end = block.start + len(block.vectors)
        opened[block.start : end] = block.vectors
        places[block.start : end] = (block.places * 1_000_000).astype(np.int64)
    opened.flush()
    return places


def _unit(vector: Floats) -> Floats:
    return vector / np.float32(np.linalg.norm(vector))
