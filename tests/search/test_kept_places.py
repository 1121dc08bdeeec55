"""Places that are named by a cursor, and where a person's last lists are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from searchsite.library.scope import Scope
from searchsite.search import beside, paging
from searchsite.search.questions import BadQuestion, Question, Term


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_cursor_beyond_the_calendar_is_refused(moment: str) -> None:
    question = Question(terms=(Term(text="note"),))
    there = datetime.fromisoformat(moment)
    cursor = paging.encode(paging.Place(1, 1, there, there), question)
    with pytest.raises(BadQuestion):
        paging.decode(replace(question, cursor=cursor))


def test_a_person_has_five_lists_at_most() -> None:
    keys = [beside._key(Question(terms=(Term(text=f"note {n}"),)), Scope(7, n, (), ())) for n in range(99)]
    assert len({place for place, _mark in keys}) == 5 and len({mark for _place, mark in keys}) == 99
