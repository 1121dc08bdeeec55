"""The page of promises: ten rows, each with a proof that is there and a figure that was counted."""

from __future__ import annotations

import pytest

from bench.promises import PAGE, PROMISES
from searchsite.config import ROOT

ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| " and line[2:3].isdigit()]


def test_it_has_ten_rows() -> None:
    assert [int(row.split("|")[1]) for row in ROWS] == [one.number for one in PROMISES] == list(range(1, 11))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: str(one.number))
def test_each_names_its_proofs_and_what_they_counted(promise) -> None:
    row = ROWS[promise.number - 1]
    assert all((ROOT / "tests" / proof).is_file() and f"(../tests/{proof})" in row for proof in promise.proofs)
    assert "not counted yet" not in row and promise.words in row
