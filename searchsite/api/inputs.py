"""What callers send, version 1. Fields may be added, none of them required; none changes its meaning."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from searchsite.api.schemas import Kind, Status
from searchsite.library.collections import NAME_CHARS
from searchsite.library.sayings import CAPTION_CHARS, TEXT_CHARS
from searchsite.library.tags import MOST as MOST_TAGS
from searchsite.library.wording import TITLE_CHARS
from searchsite.search.questions import MOST_HITS, MOST_VALUES


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("The character NUL cannot be searched for.")
    return value


Text = Annotated[str, AfterValidator(_no_nul)]
# What is kept is cleaned by the library; what is asked goes to the database as it is.
Title = Annotated[str, Field(max_length=TITLE_CHARS)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS)]
Several = Field(max_length=MOST_VALUES)
Limit = Annotated[int, Field(ge=1, le=MOST_HITS)]


class Strict(Schema):
    """What a caller sends: an unknown field is an error, so that a misspelt one does not pass in silence."""

    model_config = ConfigDict(extra="forbid")


class TextIn(Strict):
    """A text to put in."""

    text: Annotated[str, Field(min_length=1)]
    title: Title | None = None
    collection: UUID | None = Field(None, description="The Inbox when not given.")


class FileFields(Strict):
    """The fields beside a file."""

    title: Title | None = None
    collection: UUID | None = None


class NoFields(Strict):
    """A form with nothing beside its file."""


class ItemQuery(Schema):
    """Which items to list."""

    collection: UUID | None = None
    kind: list[Kind] = []
    status: Status | None = None
    cursor: str | None = None
    limit: Limit = 24


class ItemPatch(Strict):
    """What to change; what is not given stays."""

    title: Annotated[Title, Field(min_length=1)] | None = None
    kind: Kind | None = None
    collection: UUID | None = Field(None, description="Moves the item there.")
    tags: Annotated[list[Name], Field(max_length=MOST_TAGS)] | None = Field(
        None, description="All tags the item is to have."
    )
    caption: Annotated[str, Field(max_length=CAPTION_CHARS)] | None = Field(
        None,
        description="What the picture shows, in a person's words; empty: it is to have none. No captioner changes it.",
    )
    text: Annotated[str, Field(max_length=TEXT_CHARS)] | None = Field(
        None, description="The text in the picture, in a person's words; empty: there is none. No reader changes it."
    )


class SearchQuery(Schema):
    """The parameters of a search page; they are read as the page reads them. Those that are lists may repeat."""

    q: list[str] = Field([], description="Words to be near to; “in quotes” for exact text.")
    no: list[str] = Field([], alias="not", description="Words to be far from.")
    like: list[str] = Field([], description="Items to be near to, by id.")
    unlike: list[str] = Field([], description="Items to be far from, by id.")
    picture: list[str] = Field([], description="Pictures to be near to, by the id that POST /pictures gave.")
    unpicture: list[str] = Field([], description="Pictures to be far from, by the id that POST /pictures gave.")
    kind: list[str] = Field([], description="image, screenshot, text.")
    collection: list[str] = Field([], description="Ids of collections.")
    tag: list[str] = Field([], description="Items must carry all of them.")
    by: str = Field("", description="User name of the person who put it in.")
    after: str = Field("", description="Put in on this day or later: 2026-01-31.")
    before: str = Field("", description="Put in before this day.")
    sort: str = Field("relevance", description="relevance, newest, oldest.")
    mode: str = Field("hybrid", description="hybrid, meaning, words.")
    rerank: str = Field("", description="true or false; when not given, where a reranker is configured.")
    weak: str = Field("", description="false leaves weak hits out, true puts them last; else they stand by their rank.")
    instruct: str = Field("", description="What the embedder is told to look for, in one English sentence.")
    copies: str = Field("", description="The id of an item: only it and its copies.")
    fold: str = Field("", description="true: of hits that show the same picture the best alone.")
    limit: str = Field("24", description="1 to 100.")
    cursor: str = ""
    facets: list[str] = Field([], description="Counts: true for all, or some of kind, collection, tag, by, month.")


class RegionIn(Strict):
    """Part of a picture, as shares of its width and height."""

    x: float = Field(ge=0, lt=1, allow_inf_nan=False)
    y: float = Field(ge=0, lt=1, allow_inf_nan=False)
    width: float = Field(gt=0, le=1, allow_inf_nan=False)
    height: float = Field(gt=0, le=1, allow_inf_nan=False)


class TermIn(Strict):
    """One of text, item and picture; a negative weight means: not like this."""

    text: Text | None = None
    item: UUID | None = None
    picture: UUID | None = Field(None, description="An id that POST /pictures gave.")
    region: RegionIn | None = None
    weight: float = Field(1.0, ge=-10, le=10, allow_inf_nan=False)


class FiltersIn(Strict):
    """Narrows the search."""

    kind: Annotated[list[Kind], Several] | Kind | None = None
    collection: Annotated[list[UUID], Several] | UUID | None = None
    tag: Annotated[list[Text], Several] | Text | None = Field(default=None, description="Items must carry all of them.")
    by: Text | None = Field(default=None, description="User name of the person who put it in.")
    after: date | None = None
    before: date | None = None
    copies: UUID | None = Field(default=None, description="The id of an item: only it and its copies.")


class SearchIn(Strict):
    """A question."""

    query: Annotated[list[TermIn], Field(max_length=16)] = []
    filters: FiltersIn = FiltersIn()
    sort: Literal["relevance", "newest", "oldest"] = "relevance"
    mode: Literal["hybrid", "meaning", "words"] = "hybrid"
    limit: Limit = 24
    cursor: Text | None = None
    rerank: bool | None = Field(
        None, description="Let the reranker reorder the first hits; when not given, where one is configured."
    )
    weak: bool | None = Field(
        None,
        description="Hits whose band is weak: false leaves them out, of counts and facets, too; true puts them after"
        " all others; when not given, they stand where they rank.",
    )
    instruction: Text | None = Field(
        None,
        description="What the embedder is told to look for, in one English sentence of at most 300 characters; when not"
        " given, what fits the question.",
    )
    fold: bool | None = Field(
        None,
        description="Of hits that show the same picture return the best alone, with the others in its `duplicates`;"
        " they still count in `total_estimate`.",
    )
    facets: bool | Annotated[list[Text], Several] = Field(
        False, description="Count what is found: true for all, or some of kind, collection, tag, by, month."
    )


class CollectionIn(Strict):
    """A collection to make."""

    name: Name
    visibility: Literal["private", "team"] = "team"


StageName = Literal["decode", "read", "caption", "embed"]


class JobsIn(Strict):
    """Which jobs: all, those of a stage, or those of one reason of a stage."""

    stage: StageName | None = None
    reason: Annotated[Text, Field(max_length=300)] | None = Field(None, description="As in the list of failures.")


class StageIn(JobsIn):
    """A stage; and a reason, of failures or for a pause."""

    stage: StageName
