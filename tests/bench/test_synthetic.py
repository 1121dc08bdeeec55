"""The made-up vectors are what the benchmarks say they are, and the exact answers are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import synthetic, truth
from bench.synthetic import World

COUNT = 3000


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.concatenate([block.vectors for block in World(1024).blocks(COUNT)]).astype(np.float32)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> truth.Task:
    return truth.prepare(tmp_path_factory.mktemp("task"), COUNT, 64, questions=50)


def test_vectors_are_of_length_one_and_lie_in_a_cone(vectors: np.ndarray) -> None:
    some = vectors[:1000]
    cosines = (some @ some.T)[np.triu_indices(1000, 1)]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    assert 0.15 < cosines.mean() < 0.25
    assert 0.12 < cosines.std() < 0.22


def test_a_prefix_says_most_and_centred_signs_do_as_well(vectors: np.ndarray) -> None:
    questions = World(1024).queries("cross", 100)
    answers = truth.nearest(vectors.astype(np.float16), questions, 10)
    mean = vectors[:2000].mean(axis=0)
    prefix = questions[:, :256] @ (vectors[:, :256] / np.linalg.norm(vectors[:, :256], axis=1, keepdims=True)).T
    signs = np.sign(questions - mean) @ np.sign(vectors - mean).T
    assert _recall(prefix, answers, 50) > 0.97
    assert 0.5 < _recall(signs, answers, 10) < 0.9


def test_a_longer_run_begins_with_a_shorter_one() -> None:
    world = World(32)
    short, long = (list(world.blocks(count)) for count in (100, synthetic.BLOCK + 10))
    assert np.array_equal(short[0].vectors, long[0].vectors[:100])
    assert [len(block.vectors) for block in long] == [synthetic.BLOCK, 10]


def test_the_same_seed_gives_the_same_and_another_gives_others() -> None:
    first, again, other = (World(32, seed).queries("in", 5) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_what_is_written_is_what_is_streamed(tmp_path: Path) -> None:
    places = synthetic.write(World(32), 200, tmp_path / "vectors.npy")
    written = np.load(tmp_path / "vectors.npy")
    assert written.dtype == np.float16
    assert np.array_equal(written, next(World(32).blocks(200)).vectors)
    assert places.min() >= 0 and places.max() < truth.WHOLE


def test_answers_are_the_nearest_of_all(task: truth.Task) -> None:
    alike = task.questions @ task.vectors.astype(np.float32).T
    assert np.array_equal(np.sort(task.answers[0]), np.sort(np.argsort(-alike[0])[:10]))
    assert list(alike[0][task.answers[0]]) == sorted(alike[0][task.answers[0]], reverse=True)


def test_filters_hold_their_share_and_what_they_say(task: truth.Task) -> None:
    shares = {}
    for cell in task.cells:
        held = np.isin(task.collections, cell.collections[0])
        shares[cell.title] = held.mean()
        assert held[cell.answers[0]].all()
    for title, share in shares.items():
        assert share == pytest.approx(float(title.split()[0]) / 100, rel=0.6, abs=0.003), title
    near, far = (_holding(task, name) for name in ("near", "far"))
    assert near > 0.6
    assert far == 0


def test_a_task_of_another_size_is_made_anew(tmp_path: Path) -> None:
    truth.prepare(tmp_path, 300, 16, questions=3)
    assert truth.prepare(tmp_path, 400, 16, questions=3).count == 400


def test_recall_counts_the_first_hits_only() -> None:
    assert truth.recall([[1, 2, 9, 3]], np.array([[1, 2, 3]])) == pytest.approx(2 / 3)


def _recall(alike: np.ndarray, answers: np.ndarray, number: int) -> float:
    found = np.argpartition(-alike, number, axis=1)[:, :number]
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(answers, found, strict=True)]))


def _holding(task: truth.Task, name: str) -> float:
    """How much of the ten nearest of all the collections of 10 % hold that are by subject."""
    cell = task.cell(name, 0.1)
    by_subject = [one[task.collections[one] >= len(truth.MIXED)] for one in task.answers]
    shares = [
        np.isin(task.collections[one], within).mean()
        for one, within in zip(by_subject, cell.collections, strict=False)
        if len(one)
    ]
    return float(np.mean(shares))
