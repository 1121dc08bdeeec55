"""The files that are said to last are there, and each is given out."""

from __future__ import annotations

from searchsite.config import ROOT
from tests import lasting


def test_every_file_that_lasts_is_there_and_named_once() -> None:
    named = [*lasting.WAITING, *lasting.COMPUTING]
    assert [one for one in named if one != lasting.RUNNING and not (ROOT / one).exists()] == []
    assert len(set(named)) == len(named)


def test_those_who_wait_and_those_who_compute_begin_at_two_ends() -> None:
    files = dict.fromkeys([*lasting.COMPUTING, *lasting.WAITING], 5) | {"few": 1, "many": 99}
    for waits, first, then in (
        (True, lasting.WAITING, ("few", "many", *lasting.COMPUTING)),
        (False, lasting.COMPUTING, ("many", "few", *lasting.WAITING)),
    ):
        order = sorted(files, key=lambda one: lasting.rank(one, files[one], waits=waits), reverse=True)
        assert order == [*first, *then]
