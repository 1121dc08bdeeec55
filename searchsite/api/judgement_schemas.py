"""Judgements as callers send and get them, version 1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, Field

from searchsite.api.inputs import FiltersIn, Limit, Strict, TermIn, Text


class JudgementIn(Strict):
    """How well an item answers a question. The question is as in POST /search; its order and mode play no part."""

    query: Annotated[list[TermIn], Field(max_length=16)]
    filters: FiltersIn = FiltersIn()
    instruction: Text | None = None
    item: UUID
    grade: Annotated[int, Field(ge=0, le=3)] | None = Field(
        3, description="3: this is it; 0: this is not it; null takes your mark back."
    )


class JudgementQuery(Schema):
    """Which judgements to list."""

    cursor: str | None = None
    limit: Limit = 24


class JudgementOut(BaseModel):
    """One judgement."""

    question: str = Field(description="The parameters of GET /search that ask it. Weights are -1 or 1.")
    item: UUID
    grade: int | None
    source: Literal["mark", "click"] = Field(description="click: the item was opened from the hits.")
    own: bool = Field(description="Yours; else somebody else's of the team.")
    created_at: datetime | None


class JudgementList(BaseModel):
    """One page of judgements, newest first."""

    judgements: list[JudgementOut]
    next_cursor: str | None
