"""The dialect of our own inference server: vLLM's, with reading, urgency, and a description of the network."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, Field, StrictInt, ValidationError

from searchsite.inference.dialects.base import EmbedTask, Json, Offer, Request
from searchsite.inference.dialects.rows import in_order
from searchsite.inference.dialects.vllm import VLLM
from searchsite.inference.errors import BadAnswer
from searchsite.inference.prompts import Prompt
from searchsite.inference.types import EmbedderInfo, Picture, Reading, Word
from searchsite.inference.wire import data_url

Share = Annotated[float, Field(allow_inf_nan=False), AfterValidator(lambda side: min(max(side, 0.0), 1.0))]
"""A place in a picture; a reader's rounding may put it a little outside."""


class _About(BaseModel):
    """What stands under `searchsite` in an entry of `/v1/models`."""

    revision: str
    dimensions: int = Field(ge=1, le=65_536)
    mrl: bool
    modalities: list[str]
    notes: list[str]
    reads: bool
    captions: bool
    prompt: Prompt
    conversations: int = Field(ge=1)
    priority: bool


class _Word(BaseModel):
    text: str
    box: tuple[Share, Share, Share, Share]


class _Tag(BaseModel):
    label: str
    probability: float = Field(ge=0, le=1, allow_inf_nan=False)


class _Reading(BaseModel):
    index: StrictInt
    text: str
    words: list[_Word]
    tags: list[_Tag]


class _Readings(BaseModel):
    data: list[_Reading]


class Searchsite(VLLM):
    """Our own inference server, embedded or elsewhere; a plain vLLM is understood, too."""

    name: ClassVar[str] = "searchsite"

    def _offer(self, entry: Json, network: str) -> Offer:
        if "searchsite" not in entry:
            return super()._offer(entry, network)
        try:
            about = _About.model_validate(entry["searchsite"])
        except ValidationError as error:
            raise BadAnswer("the server describes its embedder in a way that is not understood") from error
        info = EmbedderInfo(
            name=network,
            modalities=frozenset(about.modalities),
            notes=tuple(about.notes),
            **about.model_dump(include={"revision", "dimensions", "mrl", "reads", "captions"}),
        )
        return Offer(network, about.prompt, about.revision, about.conversations, about.priority, info, info.modalities)

    def head(self, task: EmbedTask) -> Json:
        """As vLLM's; documents stand behind questions."""
        head = super().head(task)
        return {**head, "priority": 1} if task.offer.priority and task.purpose == "document" else head

    def read(self, network: str, picture: Picture, *, text: bool) -> Request:
        return Request("/v1/read", {"model": network, "pictures": [{"url": data_url(picture)}], "text": text})

    def readings(self, answer: Any, count: int) -> list[Reading]:
        try:
            parsed = _Readings.model_validate(answer)
        except ValidationError as error:
            raise BadAnswer("the answer holds no readings") from error
        return [
            Reading(
                text=one.text,
                words=tuple(Word(word.text, word.box) for word in one.words),
                tags=tuple((tag.label, tag.probability) for tag in one.tags),
            )
            for one in in_order(parsed.data, count)
        ]
