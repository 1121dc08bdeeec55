"""What there is when nothing is asked: items by date, under the filters."""

from __future__ import annotations

from typing import LiteralString

from django.db import connection

from searchsite.search.bounds import ITEM, Bounds
from searchsite.search.fuse import Fused
from searchsite.search.paging import Place
from searchsite.search.questions import Question

# Counting costs about a millisecond for so many.
MOST_COUNTED = 10_000
PAGE: LiteralString = """
SELECT item.id, item.created_at FROM item WHERE item.trashed_at IS NULL AND <bounds> AND <after>
ORDER BY item.created_at <way>, item.id <way> LIMIT %(limit)s
"""
COUNT: LiteralString = "SELECT count(*) FROM (SELECT FROM item WHERE <bounds> LIMIT %(most)s) AS counted"


def page(question: Question, bounds: Bounds, place: Place | None) -> tuple[list[Fused], bool, int]:
    """One page of items, whether there are more, and how many there are in all, up to a cap."""
    oldest = question.sort == "oldest"
    after: LiteralString = "true"
    if place is not None:
        after = (
            "(item.created_at, item.id) > (%(day)s, %(item)s)"
            if oldest
            else ("(item.created_at, item.id) < (%(day)s, %(item)s)")
        )
    where = bounds.conditions(ITEM)
    statement = PAGE.replace("<bounds>", where).replace("<after>", after).replace("<way>", "ASC" if oldest else "DESC")
    values = bounds.values | {"limit": question.limit + 1, "most": MOST_COUNTED}
    if place is not None:
        values |= {"day": place.day, "item": place.item}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
        cursor.execute(COUNT.replace("<bounds>", where), values)
        total = cursor.fetchone()[0]
    found = [Fused(pk, created_at, 0.0) for pk, created_at in rows[: question.limit]]
    return found, len(rows) > question.limit, total
