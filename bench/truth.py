"""Exact answers to compare with: the ten nearest of each question, everywhere and within filters. Computed once a run.

Items lie in 123 collections of 0.1 to 10 % of them. Half the items are in mixed ones, so a choice of these has nothing
to do with the question (bucket); the others hold neighbouring subtopics each, so that a choice can hold the question's
neighbours (near) or none of them (far).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import synthetic
from bench.synthetic import Floats, Numbers

TOP = 10
SHARES = (0.5, 0.1, 0.01, 0.001)
# Thousandths of all items: of the mixed collections; then, of those by subject, a small and a large one by turns.
MIXED = (*[1] * 10, *[10] * 9, *[100] * 4)
SMALL, LARGE, PAIRS = 1, 9, 50
COLLECTIONS = len(MIXED) + 2 * PAIRS
FILTERED = 40
AT_ONCE = 16384
# Millionths, as the generator gives places.
WHOLE = 1_000_000


@dataclass(frozen=True)
class Cell:
    """One kind of filter: for each question the collections that it is narrowed to, and what is nearest in them."""

    name: str
    share: float
    collections: list[Numbers]
    answers: list[Numbers]

    @property
    def title(self) -> str:
        """Such as "1 % near"."""
        return f"{self.share * 100:g} % {self.name}"


@dataclass(frozen=True)
class Task:
    """What every engine is asked: vectors (count, d) fp16 as a memory map, questions, and the exact answers."""

    vectors: NDArray[np.float16]
    collections: Numbers
    questions: Floats
    inside: Floats
    answers: Numbers
    inside_answers: Numbers
    cells: list[Cell]

    @property
    def count(self) -> int:
        return len(self.vectors)

    @property
    def dimensions(self) -> int:
        return int(self.vectors.shape[1])

    def cell(self, name: str, share: float) -> Cell:
        return next(one for one in self.cells if (one.name, one.share) == (name, share))


def prepare(directory: Path, count: int, dimensions: int, questions: int = 300) -> Task:
    """Make vectors and answers in the directory, or take those that are there."""
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "answers.npz").exists():
        kept = load(directory)
        if (kept.count, kept.dimensions, len(kept.questions)) == (count, dimensions, questions):
            return kept
    _make(directory, synthetic.World(dimensions), count, questions)
    return load(directory)


def load(directory: Path) -> Task:
    """What `prepare` made."""
    kept = np.load(directory / "answers.npz")
    cells = []
    for number, (name, share) in enumerate(zip(kept["names"], kept["shares"], strict=True)):
        cells.append(Cell(str(name), float(share), _lists(kept, f"within{number}"), _lists(kept, f"answers{number}")))
    return Task(
        np.load(directory / "vectors.npy", mmap_mode="r"),
        kept["collections"],
        kept["questions"],
        kept["inside"],
        kept["answers"],
        kept["inside_answers"],
        cells,
    )


def recall(found: list[list[int]], answers: list[Numbers] | Numbers) -> float:
    """The share of the exact answers that was found among as many first hits; the answers may be of more questions."""
    shares = [
        len(set(one[: len(right)]) & set(right.tolist())) / len(right)
        for one, right in zip(found, answers, strict=False)
        if len(right)
    ]
    return float(np.mean(shares)) if shares else 1.0


def _make(directory: Path, world: synthetic.World, count: int, number: int) -> None:
    places = synthetic.write(world, count, directory / "vectors.npy")
    vectors = np.load(directory / "vectors.npy", mmap_mode="r")
    collections = collections_of(places)
    questions, inside = world.queries("cross")[:number], world.queries("in")[:number]
    made: dict[str, Any] = {"collections": collections, "questions": questions, "inside": inside}
    both = nearest(vectors, np.concatenate([questions, inside]), TOP)
    made |= {"answers": both[: len(questions)], "inside_answers": both[len(questions) :]}
    cells = list(_cells(vectors, collections, questions[:FILTERED]))
    made |= {"names": np.array([one.name for one in cells]), "shares": np.array([one.share for one in cells])}
    for place, cell in enumerate(cells):
        made |= _flat(f"within{place}", cell.collections) | _flat(f"answers{place}", cell.answers)
    np.savez(directory / "answers.npz", **made)


def collections_of(places: Numbers) -> Numbers:
    """The collection of each item: by lot into one of the mixed ones, or by its subtopic."""
    chance = np.random.default_rng(11)
    weights = np.array(MIXED) / sum(MIXED)
    mixed = chance.choice(len(MIXED), size=len(places), p=weights)
    thousandths = places * PAIRS * (SMALL + LARGE) // WHOLE
    pairs, within = np.divmod(thousandths, SMALL + LARGE)
    by_subject = len(MIXED) + 2 * pairs + (within >= SMALL)
    found: Numbers = np.where(chance.random(len(places)) < sum(MIXED) / 1000, mixed, by_subject)
    return found


def nearest(vectors: NDArray[np.float16], questions: Floats, top: int) -> Numbers:
    """The exact nearest by cosine, nearest first: (questions, top)."""
    best = np.full((len(questions), top), -np.inf, dtype=np.float32)
    ids = np.zeros((len(questions), top), dtype=np.int64)
    for start in range(0, len(vectors), AT_ONCE):
        alike = questions @ vectors[start : start + AT_ONCE].astype(np.float32).T
        both = np.concatenate([best, alike], axis=1)
        numbers = np.broadcast_to(np.arange(start, start + alike.shape[1]), alike.shape)
        which = np.concatenate([ids, numbers], axis=1)
        chosen = np.argpartition(-both, min(top, both.shape[1] - 1), axis=1)[:, :top]
        best, ids = np.take_along_axis(both, chosen, 1), np.take_along_axis(which, chosen, 1)
    order = np.argsort(-best, axis=1)
    found: Numbers = np.take_along_axis(ids, order, 1)
    return found


def _cells(vectors: NDArray[np.float16], collections: Numbers, questions: Floats) -> Iterator[Cell]:
    alike = np.concatenate(
        [
            questions @ vectors[start : start + AT_ONCE].astype(np.float32).T
            for start in range(0, len(vectors), AT_ONCE)
        ],
        axis=1,
    )
    around = max(TOP, len(vectors) // 100)
    close = np.argpartition(-alike, around, axis=1)[:, :around]
    held = [np.bincount(collections[one], minlength=COLLECTIONS)[len(MIXED) :] for one in close]
    chance = np.random.default_rng(13)
    for name, shares in (("bucket", SHARES), ("near", SHARES[1:]), ("far", SHARES[1:])):
        for share in shares:
            within = [_chosen(name, round(share * 1000), counts, chance) for counts in held]
            answers = [_within(alike[at], collections, within[at]) for at in range(len(questions))]
            yield Cell(name, share, within, answers)


def _chosen(name: str, thousandths: int, held: Numbers, chance: np.random.Generator) -> Numbers:
    """Mixed collections; or those by subject that hold the most of what is close, or the least, by lot among equals."""
    if name == "bucket":
        able = np.flatnonzero(np.array(MIXED) == thousandths)
        return chance.choice(able, 1) if len(able) else np.arange(len(MIXED))
    small = thousandths == SMALL
    counts = held[::2] if small else held[::2] + held[1::2]
    order = np.lexsort((chance.random(PAIRS), counts))
    number = 1 if small else thousandths // (SMALL + LARGE)
    first = len(MIXED) + 2 * np.sort(order[-number:] if name == "near" else order[:number])
    return first if small else np.sort(np.concatenate([first, first + 1]))


def _within(alike: Floats, collections: Numbers, within: Numbers) -> Numbers:
    rows = np.flatnonzero(np.isin(collections, within))
    return rows[np.argsort(-alike[rows])[:TOP]]


def _flat(name: str, lists: list[Numbers]) -> dict[str, Numbers]:
    return {name: np.concatenate(lists), f"{name}_sizes": np.array([len(one) for one in lists])}


def _lists(kept: np.lib.npyio.NpzFile, name: str) -> list[Numbers]:
    ends = np.cumsum(kept[f"{name}_sizes"])
    return np.split(kept[name], ends[:-1])
