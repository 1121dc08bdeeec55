"""The dialect of vLLM, which our own inference server speaks too, with a few fields more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from searchsite.inference.dialects import base
from searchsite.inference.dialects.openai import CHAT, OpenAI, chat_head, parts, turn
from searchsite.inference.dialects.rows import scores_in, spent_in
from searchsite.inference.errors import BadAnswer
from searchsite.inference.prompts import Prompt, harmless, instruction_for, prompt_for, render
from searchsite.inference.types import EmbedderInfo, EmbedInput, Picture, Purpose, Reading, Vectors, Word
from searchsite.inference.wire import data_url

TEXTS = 32
"""Texts in one request."""
CONVERSATIONS = 8
"""Pictures in one request, where the server takes several."""
NORM_TOLERANCE = 0.05
MOST_TOKENS = 10**9
"""Tokens that one answer may say it cost; sums of them must fit the meter."""

Json = dict[str, Any]


Share = Annotated[float, Field(allow_inf_nan=False), AfterValidator(lambda side: min(max(side, 0.0), 1.0))]
"""A place in a picture; a reader's rounding may put it a little outside."""
Tokens = Annotated[int, AfterValidator(lambda count: min(max(count, 0), MOST_TOKENS))]


@dataclass(frozen=True)
class Offer:
    """What a server offers. `info` is missing where it must be found out by asking for vectors."""

    prompt: Prompt
    revision: str = ""
    conversations: int = 1
    priority: bool = False
    info: EmbedderInfo | None = None


class _About(BaseModel):
    """The fields of our own server's `/v1/models` under `searchsite`."""

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


class _Row(BaseModel):
    """One vector of an answer."""

    index: int
    embedding: str | list[float]


class _Usage(BaseModel):
    prompt_tokens: Tokens = 0


class _Embeddings(BaseModel):
    data: list[_Row]
    usage: _Usage = _Usage()


class _Word(BaseModel):
    text: str
    box: tuple[Share, Share, Share, Share]


class _Tag(BaseModel):
    label: str
    probability: float = Field(ge=0, le=1, allow_inf_nan=False)


class _Reading(BaseModel):
    index: int
    text: str
    words: list[_Word]
    tags: list[_Tag]


class _Readings(BaseModel):
    data: list[_Reading]


def offer(answer: Any, embedder: str) -> Offer | None:
    """What `/v1/models` says of the embedder; nothing where the server doesn't have it."""
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise BadAnswer("the list of embedders is not one")
    entry = next((one for one in entries if isinstance(one, dict) and one.get("id") == embedder), None)
    if entry is None:
        return None
    if "searchsite" not in entry:
        return Offer(prompt_for(embedder), revision=str(entry.get("root") or ""))
    try:
        about = _About.model_validate(entry["searchsite"])
    except ValidationError as error:
        raise BadAnswer("the server describes its embedder in a way that is not understood") from error
    info = EmbedderInfo(
        name=embedder,
        modalities=frozenset(about.modalities),
        notes=tuple(about.notes),
        **about.model_dump(include={"revision", "dimensions", "mrl", "reads", "captions"}),
    )
    return Offer(about.prompt, about.revision, about.conversations, about.priority, info)


@dataclass(frozen=True)
class Task:
    """Who embeds, what for, and how that server wants to be asked."""

    embedder: str
    offer: Offer
    purpose: Purpose
    instruction: str | None = None

    def texts(self, texts: Sequence[str]) -> Json:
        """A request for some texts."""
        system = instruction_for(self.purpose, self.instruction)
        rendered = [render(self.offer.prompt, text, purpose=self.purpose, system=system) for text in texts]
        return {**self._head(), "input": rendered}

    def conversations(self, inputs: Sequence[EmbedInput]) -> Json:
        """A request for inputs with pictures: more than one only where the server takes several."""
        messages = [self._conversation(entry) for entry in inputs]
        # Without these two vLLM leaves off the end of the prompt, where the vector is taken from.
        flags = {"add_generation_prompt": True, "add_special_tokens": True}
        return {**self._head(), **flags, "messages": messages if self.offer.conversations > 1 else messages[0]}

    def _head(self) -> Json:
        head: Json = {"model": self.embedder, "encoding_format": "base64"}
        if self.offer.priority and self.purpose == "document":
            head["priority"] = 1
        return head

    def _conversation(self, entry: EmbedInput) -> list[Json]:
        system = instruction_for(self.purpose, self.instruction)
        parts: list[Json] = []
        if entry.picture is not None:
            parts.append({"type": "image_url", "image_url": {"url": data_url(entry.picture)}})
        if entry.text:
            parts.append({"type": "text", "text": harmless(entry.text)})
        return [
            {"role": "system", "content": [{"type": "text", "text": system}]},
            {"role": "user", "content": parts},
        ]


def vectors(answer: Any, count: int) -> tuple[Vectors, int]:
    """Unit vectors in the order of the inputs, and the tokens they cost; `BadAnswer` for anything less."""
    try:
        parsed = _Embeddings.model_validate(answer)
    except ValidationError as error:
        raise BadAnswer("the answer holds no list of vectors") from error
    rows = [_numbers(row.embedding) for row in _in_order(parsed.data, count)]
    if len({len(row) for row in rows}) != 1 or not len(rows[0]):
        raise BadAnswer("the vectors of one answer differ in length")
    return _checked(np.stack(rows)), parsed.usage.prompt_tokens


def read_request(embedder: str, picture: Picture, *, text: bool) -> Json:
    """A request for the text and the tags of a picture."""
    return {"model": embedder, "pictures": [{"url": data_url(picture)}], "text": text}


def readings(answer: Any, count: int) -> list[Reading]:
    """What was read, in the order of the pictures."""
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
        for one in _in_order(parsed.data, count)
    ]


def _in_order(rows: Sequence[Any], count: int) -> list[Any]:
    """Rows by their index, each of 0..count-1 once: a neighbour's vector must never be taken."""
    ordered = sorted(rows, key=lambda row: int(row.index))
    if [row.index for row in ordered] != list(range(count)):
        raise BadAnswer(f"asked for {count} results, the answer numbers {len(rows)} otherwise")
    return ordered


def _numbers(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        try:
            return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
        except (binascii.Error, ValueError) as error:
            raise BadAnswer("a vector is not base64 of 4-byte numbers") from error
    with np.errstate(over="ignore"):
        return np.array(embedding, np.float64).astype(np.float32)


def _checked(rows: Vectors) -> Vectors:
    if not np.isfinite(rows).all():
        raise BadAnswer("a vector holds something that is not a number")
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    if not norms.all():
        raise BadAnswer("a vector is all zeros")
    if np.abs(norms - 1).max() > NORM_TOLERANCE:
        raise BadAnswer("the vectors are not of length one")
    unit: Vectors = (rows / norms).astype(np.float32)
    return unit


class VLLM(OpenAI):
    """vLLM, one server a network."""

    name: ClassVar[str] = "vllm"
    encoding: ClassVar[str] = "base64"
    unit: ClassVar[bool] = True

    def forms(self, offer: base.Offer) -> Sequence[base.Offer]:
        return (offer,)

    def chat(self, task: base.ChatTask) -> base.Request:
        body = {**chat_head(task), "max_tokens": task.most_tokens, "messages": [turn(one) for one in task.messages]}
        if task.top_k is not None:
            body["top_k"] = task.top_k
        if task.thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": task.thinking}
        return base.Request(CHAT, body)

    def rerank(
        self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str
    ) -> base.Request:
        body = {"model": network, "query": _document(query), "documents": [_document(one) for one in documents]}
        return base.Request("/v1/rerank", {**body, "top_n": len(documents), "instruction": harmless(instruction)})

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], base.Spent]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        return scores_in(rows, count), spent_in(rows and answer.get("usage"))


def _document(entry: EmbedInput) -> Any:
    """A text as it is; a picture as parts."""
    return harmless(entry.text or "") if entry.picture is None else {"content": parts(entry)}
