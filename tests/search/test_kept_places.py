"""Places that are named by a cursor, and where a person's last lists are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import psycopg
import pytest
from django.db import connection

from searchsite.library.scope import Scope
from searchsite.search import beside, pace, paging
from searchsite.search.questions import BadQuestion, Question, Term
from tests import made


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


@pytest.mark.django_db(transaction=True)
def test_a_list_of_which_a_part_was_left_out_is_not_kept(inbox, fake, monkeypatch):
    monkeypatch.setattr(pace, "stretch", lambda: 2.0)
    items = [made.note(inbox, f"walnut bread {number}") for number in range(3)]
    asked = Question(terms=(Term(text="walnut"),), mode="words")
    with psycopg.connect(**connection.get_connection_params() | {"context": None, "cursor_factory": None}) as other:
        other.execute("LOCK TABLE part IN ACCESS EXCLUSIVE MODE")
        assert beside.beside(items[0], asked, inbox.scope).total == 0
    assert beside.beside(items[0], asked, inbox.scope).total == 3
