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


def page(question: Question, bounds: Bounds, place: Place | None) -> tuple[list[Fused], bool]:
    """One page of items, and whether there are more."""
    oldest = question.sort == "oldest"
    after: LiteralString = "true"
    values = bounds.values | {"limit": question.limit + 1}
    if place is not None:
        after = f"(item.created_at, item.id) {'>' if oldest else '<'} (%(day)s, %(item)s)"
        values |= {"day": place.day, "item": place.item}
    statement = PAGE.replace("<bounds>", bounds.conditions(ITEM)).replace("<after>", after)
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("<way>", "ASC" if oldest else "DESC"), values)
        rows = cursor.fetchall()
    return [Fused(pk, created_at, 0.0) for pk, created_at in rows[: question.limit]], len(rows) > question.limit


def total(bounds: Bounds) -> int:
    """How many items there are, up to a cap."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT.replace("<bounds>", bounds.conditions(ITEM)), bounds.values | {"most": MOST_COUNTED})
        return int(cursor.fetchone()[0])
