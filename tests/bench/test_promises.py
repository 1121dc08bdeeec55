"""The page of promises names each with its proofs and what they counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import house, promises

TESTS = house.ROOT / "tests"


def test_there_are_ten_promises() -> None:
    assert [promise.number for promise in promises.PROMISES] == list(range(1, 11))


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: str(promise.number))
def test_a_promise_is_proven_by_tests_that_are_there(promise: promises.Promise) -> None:
    assert all((TESTS / proof).is_file() for proof in promise.proofs)
    counting = [proof for proof in promise.proofs if f"keep({promise.number}," in _squeezed(TESTS / proof)]
    assert counting, "none of them keeps what it counted"


def test_the_page_shows_what_was_counted_last(tmp_path: Path) -> None:
    found = {"promise": 7, "name": "backlog", "at": "2026-11-22T10:00:00+00:00", "queued": 100_000, "lost": 0}
    (tmp_path / "07-backlog.json").write_text(json.dumps(found))
    page = promises.rendered(tmp_path)
    assert "*backlog*: queued 100,000, lost 0" in page
    assert page.count("not counted yet") == 9


def test_the_page_that_is_kept_is_of_these_promises() -> None:
    page = promises.PAGE.read_text(encoding="utf-8")
    assert all(f"| {promise.number} | {promise.words} |" in page for promise in promises.PROMISES)


def _squeezed(path: Path) -> str:
    return "".join(path.read_text(encoding="utf-8").split())
