"""What callers get, version 1. Fields may be added; none is removed or changes its meaning.

Plain models: Ninja's own would check each nested one anew, attribute by attribute.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

Kind = Literal["image", "screenshot", "text"]
Status = Literal["processing", "ready", "failed"]
StageState = Literal["waiting", "running", "done", "failed", "cancelled", "not_configured", "not_needed", "not_asked"]


class Problem(BaseModel):
    """Problem details for HTTP (RFC 9457); sent as application/problem+json."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="A short word for programs.")


class StageOut(BaseModel):
    """One stage of an item's way."""

    state: StageState
    error: str = Field("", description="Why it failed; empty otherwise.")


class SaidBy(BaseModel):
    """Who wrote a caption, or the text in a picture; neither changes again once a person wrote it."""

    author: Literal["person", "captioner", "reader"]
    network: str | None = Field(description="Which captioner or reader it was.")


class ItemOut(BaseModel):
    """One thing that was put in."""

    id: UUID
    kind: Kind
    title: str
    status: Status
    stages: dict[str, StageOut] = Field(description="By stage: decode, read, caption, embed.")
    caption: str | None = Field(description="What the picture shows, as a captioner or a person says.")
    caption_by: SaidBy | None
    tags: list[str]
    text: str | None = Field(description="The text itself, or the text read in the picture.")
    text_by: SaidBy | None
    language: str | None = Field(description="ISO 639-1 of the text in the picture, where known.")
    depicts: list[str] = Field(
        description="What a machine sees in the picture: what kind of picture it is, where a captioner said so"
        " (photo, screenshot, document, diagram, chart, illustration, other), then things, most likely first."
    )
    collection: UUID
    collection_name: str
    created_at: datetime
    created_by: str | None = Field(description="User name of the person who put it in.")
    source_url: str | None
    width: int | None
    height: int | None
    media_type: str | None
    size: int | None = Field(description="Bytes of the original file.")
    file_url: str | None = Field(description="Address of the original file; takes the same token.")
    thumbnail_url: str | None = Field(description="Address of a small picture; takes the same token.")
    url: str = Field(description="Address of the item's page.")


class ItemList(BaseModel):
    """One page of items, newest first."""

    items: list[ItemOut]
    next_cursor: str | None


class HitItem(BaseModel):
    """The item of a hit, in short."""

    id: UUID
    kind: Kind
    title: str
    caption: str | None
    thumbnail_url: str | None
    created_at: datetime
    width: int | None
    height: int | None
    collection_name: str
    tags: list[str]
    url: str


class HitPart(BaseModel):
    """The part of the item that matched best."""

    id: int
    role: str
    text: str
    locator: dict[str, Any]


class WhyOut(BaseModel):
    """One reason for the hit's place."""

    channel: Literal["image", "text", "words", "reranker"]
    rank: int
    similarity: float | None


class HitOut(BaseModel):
    """One found item."""

    item: HitItem
    score: float = Field(description="Orders the hits of one question, and says nothing beyond it.")
    band: Literal["strong", "likely", "weak"] | None
    part: HitPart | None
    why: list[WhyOut]


class FacetValue(BaseModel):
    """One value to narrow by; `value` is what the filter of that name takes, or a month like 2026-01."""

    value: str
    label: str
    count: int


class FacetOut(BaseModel):
    """Counts of one kind, without its own filter; tags with it, as hits carry all of those asked for."""

    values: list[FacetValue]
    capped: bool = Field(description="More items fit than were counted: each count is the least there is.")


class SearchOut(BaseModel):
    """What was found."""

    hits: list[HitOut]
    next_cursor: str | None
    total_estimate: int | None
    took_ms: float
    space: str = Field(description="The space of vectors that answered; empty when words alone did.")
    notes: list[str] = Field(description="What the caller should know, in sentences.")
    facets: dict[str, FacetOut] | None = Field(None, description="By kind, collection, tag, by, month; where wanted.")


class PictureOut(BaseModel):
    """A picture to search by."""

    id: UUID
    expires_at: datetime | None


class CollectionOut(BaseModel):
    """A place for items."""

    id: UUID
    name: str
    visibility: Literal["private", "team", "public"]
    purpose: Literal["normal", "inbox"]
    may_edit: bool
    items: int = Field(description="How many items are in it.")
    created_at: datetime


class CollectionList(BaseModel):
    """All collections that the caller sees."""

    collections: list[CollectionOut]


class SpaceProgress(BaseModel):
    """How far a space is, over all teams."""

    done: int
    of: int
    failed: int
    per_second: float
    seconds_left: float | None
    disk_bytes: int


class SpaceOut(BaseModel):
    """One space of vectors. `progress` is for operators, since it counts what all teams have."""

    id: int
    name: str
    embedder: str
    revision: str
    adapter: str
    dimensions: int
    status: Literal["building", "active", "retired"]
    takes_pictures: bool
    takes_instructions: bool
    notes: list[str]
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    percent: int
    progress: SpaceProgress | None


class SpaceList(BaseModel):
    """All spaces, and the embedder that is configured; where it does not answer, a space for it is yet to be built."""

    spaces: list[SpaceOut]
    configured: str
    configured_answers: bool


class UsageSums(BaseModel):
    """What was asked for, together."""

    calls: int
    inputs: int
    tokens: int
    output_tokens: int
    cost: float | None = Field(description="US dollars, as far as prices are known; null where none is.")
    unpriced: int = Field(description="How many of the inputs have no known price.")
    seconds: float


class UsageDay(UsageSums):
    """What a team asked of one network on one day."""

    day: date
    team: UUID | None = Field(description="The team that pays; null for the server itself, or a team that is gone.")
    team_name: str
    operation: str
    embedder: str = Field(description="The network.")
    provider: str = Field(description="Its server; empty for the embedded one, which costs nothing.")


class UsageGroup(UsageSums):
    """One sum of those asked for with `by`."""

    key: str = Field(description="The day, the operation, or the name of the network or the team.")
    detail: str = Field(description="Of a network its server, of a team its id.")


class BudgetOut(BaseModel):
    """What may be spent this month (UTC)."""

    of: Literal["team", "all"]
    name: str = Field(description="The team's; empty for the budget of all.")
    limit: float | None = Field(description="US dollars; null for no limit, or where it is not yours to know.")
    spent: float | None
    is_near: bool = Field(description="Four fifths or more are spent.")
    is_spent: bool = Field(description="Nothing is sent to paid servers until it renews.")
    renews: date


class UsageOut(BaseModel):
    """Usage, newest day first."""

    usage: list[UsageDay]
    groups: list[UsageGroup] = Field(
        description="Sums, where asked for with `by`: days newest first, else dearest first."
    )
    total: UsageSums
    budgets: list[BudgetOut]
    notes: list[str] = Field(description="Warnings and what is not known, in sentences.")
    prices_date: date = Field(description="The day of the prices, used where a provider does not say what a call cost.")
