"""What callers get, version 1. Fields may be added; none is removed or changes its meaning.

Plain models: Ninja's own would check each nested one anew, attribute by attribute.
"""

from __future__ import annotations

from datetime import datetime
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
    file_url: str | None = Field(
        description="Address of the original file; takes the same token. One at another host is signed: it takes none,"
        " and is good for some minutes."
    )
    thumbnail_url: str | None = Field(description="Address of a small picture; as `file_url`.")
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


class WhyPart(BaseModel):
    """What of the item a channel found."""

    id: int
    role: str
    text: str | None = Field(description="Null where it is the hit's own part, whose text stands there.")


class WhyOut(BaseModel):
    """One reason for the hit's place."""

    channel: Literal["image", "text", "words", "reranker"]
    rank: int
    similarity: float | None
    share: float | None = Field(description="Of words: how much of the question's words stands in the item, by weight.")
    part: WhyPart | None = Field(description="Null where it is the title, or the item as a whole.")
    words: list[str] = Field(description="The question's words as they stand there; of words, anywhere in the item.")


class HitOut(BaseModel):
    """One found item."""

    item: HitItem
    score: float = Field(description="Orders the hits of one question, and says nothing beyond it.")
    band: Literal["strong", "likely", "weak"] | None = Field(
        description="How sure the hit is, by what the space's calibration and the question's words tell; null where"
        " that can't be told: nothing was asked, or no vectors were compared."
    )
    part: HitPart | None
    why: list[WhyOut]
    duplicates: list[UUID] = Field(
        [], description="Other hits that show the same picture. They are hits of their own, unless `fold` is true."
    )


class FacetValue(BaseModel):
    """One value to narrow by; `value` is what the filter of that name takes, or a month like 2026-01."""

    value: str
    label: str
    count: int


class FacetOut(BaseModel):
    """Counts of one kind, without its own filter; tags with it, as hits carry all of those asked for."""

    values: list[FacetValue]
    capped: bool = Field(
        description="More items fit than were counted, or time ran out: each count is the least there is."
    )


class SearchOut(BaseModel):
    """What was found."""

    hits: list[HitOut]
    next_cursor: str | None
    total_estimate: int | None
    took_ms: float
    space: str = Field(description="The space of vectors that answered; empty when words alone did.")
    notes: list[str] = Field(description="What the caller should know, in sentences.")
    spelling: str | None = Field(
        None, description="The words of `q` put right, where one of them is nowhere in what the caller sees."
    )
    weak: int = Field(0, description="How many hits are weak: left out where weak=false was asked, else among them.")
    facets: dict[str, FacetOut] | None = Field(None, description="By kind, collection, tag, by, month; where wanted.")


class SuggestionOut(BaseModel):
    """What the words so far may become."""

    kind: Literal["title", "tag", "kind", "in", "by"]
    text: str = Field(description="The title, the tag, or the value of the field.")
    query: str = Field(description="All words of the question with it.")


class SuggestionList(BaseModel):
    """At most eight, the likeliest first."""

    suggestions: list[SuggestionOut]


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
