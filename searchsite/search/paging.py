"""Cursors: opaque, checked, and good for the question they were given for."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from searchsite.search.questions import BadQuestion, Question, to_query

MOST_OFFSET = 1_000_000


@dataclass(frozen=True)
class Place:
    """Where a page ended: after `item`, the `offset`th hit, of the hits there were at `moment`.

    `day` is the last hit's own date, for lists in the order of dates. `reranked`: the first page was.
    """

    offset: int
    item: int
    moment: datetime
    day: datetime
    reranked: bool = False


def encode(place: Place, question: Question) -> str:
    """Write a place as a cursor of this question."""
    # Lists by date go on after the item, however far: the offset is not needed there.
    place = replace(place, offset=min(place.offset, MOST_OFFSET))
    values = [_mark(question), *(one.isoformat() if isinstance(one, datetime) else one for one in astuple(place))]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode(question: Question) -> Place | None:
    """Read the question's cursor, if it has one. Raises BadQuestion when it is not one of this question."""
    if question.cursor is None:
        return None
    try:
        padded = question.cursor[:500] + "=" * (-len(question.cursor) % 4)
        mark, offset, item, moment, day, reranked = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = Place(offset, item, datetime.fromisoformat(moment), datetime.fromisoformat(day), reranked)
        whole = (
            type(reranked) is bool
            and type(offset) is int
            and type(item) is int
            and 0 <= offset <= MOST_OFFSET
            and 0 <= item < 2**63
        )
        aware = place.moment.tzinfo is not None and place.day.tzinfo is not None
        # Near the ends of the calendar there may be no such moment elsewhere.
        place = replace(place, moment=place.moment.astimezone(UTC), day=place.day.astimezone(UTC))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadQuestion(_("The page asked for does not exist.")) from error
    if not (whole and aware and mark == _mark(question)):
        raise BadQuestion(_("The page asked for belongs to another question."))
    return place


def _mark(question: Question) -> str:
    weights = [term.weight for term in question.terms]
    asked = f"{to_query(replace(question, cursor=None, limit=1))} {weights}"
    return hashlib.sha256(asked.encode()).hexdigest()[:12]
