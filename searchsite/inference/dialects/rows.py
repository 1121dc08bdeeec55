"""The numbered rows of an answer: put into order, and their vectors checked before anything believes them."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AliasChoices, BaseModel, Field, StrictInt, StrictStr, ValidationError

from searchsite.inference.dialects.base import Spent
from searchsite.inference.errors import BadAnswer
from searchsite.inference.types import Vectors

MOST_TOKENS = 10**9
"""Tokens that one answer may say it cost; sums of them must fit the meter."""
MOST_COST = 10_000.0
NORM_TOLERANCE = 0.05
SLACK = 1e-3
"""How far rounding may put a score outside 0..1."""

Number = Annotated[float, Field(strict=True)]


class _Row(BaseModel):
    index: StrictInt | None = None
    embedding: StrictStr | list[Number]


class _Score(BaseModel):
    index: StrictInt
    score: Number = Field(validation_alias=AliasChoices("relevance_score", "score"))


Entry = TypeVar("Entry", bound=BaseModel)


def vectors_in(rows: Any, count: int, *, unit: bool = False) -> Vectors:
    """Unit vectors out of rows of `embedding` and, where the server sends it, `index`.

    unit: they are promised to have length one already; others come from a server that was started wrongly.
    """
    if not isinstance(rows, list):
        raise BadAnswer("the answer holds no list of vectors")
    try:
        parsed = [_Row.model_validate(row) for row in rows]
    except ValidationError as error:
        raise BadAnswer("the answer holds no list of vectors") from error
    numbers = [_numbers(row.embedding) for row in in_order(parsed, count)]
    if len({len(row) for row in numbers}) != 1 or not len(numbers[0]):
        raise BadAnswer("the vectors of one answer differ in length")
    return _unit(np.stack(numbers), unit)


def scores_in(rows: Any, count: int) -> tuple[float, ...]:
    """Relevance 0..1 in the order of the documents, out of rows of `index` and `relevance_score` or `score`."""
    if not isinstance(rows, list):
        raise BadAnswer("the answer holds no list of scores")
    try:
        parsed = [_Score.model_validate(row) for row in rows]
    except ValidationError as error:
        raise BadAnswer("the answer holds no list of scores") from error
    found = [row.score for row in in_order(parsed, count)]
    if not all(-SLACK <= score <= 1 + SLACK for score in found):
        raise BadAnswer("a score is not between 0 and 1")
    return tuple(min(max(score, 0.0), 1.0) for score in found)


def in_order(rows: Sequence[Entry], count: int) -> list[Entry]:
    """Rows by their index, each of 0..count-1 once; without any index, as they came.

    A neighbour's vector must never be taken: anything else is refused.
    """
    places: list[int | None] = [getattr(row, "index", None) for row in rows]
    numbered = {place: row for place, row in zip(places, rows, strict=True) if place is not None}
    if not numbered:
        numbered = dict(enumerate(rows))
    if len(rows) != count or set(numbered) != set(range(count)):
        raise BadAnswer(f"asked for {count} results, the answer numbers {len(rows)} otherwise")
    return [numbered[place] for place in range(count)]


def spent_in(usage: Any, sent: Sequence[str] = ("prompt_tokens",)) -> Spent:
    """What a usage object says, as far as it can be believed; it never spoils a good answer."""
    usage = usage if isinstance(usage, dict) else {}
    tokens = next((usage[name] for name in sent if name in usage), 0)
    return Spent(_count(tokens), _count(usage.get("completion_tokens")), _cost(usage.get("cost")))


def _numbers(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        try:
            return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
        except (binascii.Error, ValueError) as error:
            raise BadAnswer("a vector is not base64 of 4-byte numbers") from error
    with np.errstate(over="ignore"):
        return np.array(embedding, np.float64).astype(np.float32)


def _unit(rows: Vectors, promised: bool) -> Vectors:
    if not np.isfinite(rows).all():
        raise BadAnswer("a vector holds something that is not a number")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    if not lengths.all():
        raise BadAnswer("a vector is all zeros")
    if promised and np.abs(lengths - 1).max() > NORM_TOLERANCE:
        raise BadAnswer("the vectors are not of length one")
    unit: Vectors = (rows / lengths).astype(np.float32)
    return unit


def _count(value: Any) -> int:
    return min(max(value, 0), MOST_TOKENS) if type(value) is int else 0


def _cost(value: Any) -> float | None:
    if type(value) not in (int, float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= MOST_COST else None
