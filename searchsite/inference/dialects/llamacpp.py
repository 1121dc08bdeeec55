"""The dialect of llama.cpp's server: pictures go to its own address, with a marker where each belongs.

Unless LLAMA_MEDIA_MARKER is set there, the marker changes with every start: it is asked for, and an answer that
knows no marker asks for patience until it is asked for again. Marks around a picture are the server's own business.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from searchsite.inference.dialects.base import EmbedTask, Json, Offer, Request, Spent
from searchsite.inference.dialects.openai import EMBEDDINGS, OpenAI, prompts
from searchsite.inference.dialects.rows import vectors_in
from searchsite.inference.errors import BadAnswer, InferenceError, Overloaded, Refused
from searchsite.inference.prompts import CHAT, harmless, instruction_for
from searchsite.inference.types import EmbedInput, Vectors

PICTURES = 4
"""Pictures in one request: each is computed after the other."""
MARKER = "media_marker"
USUAL_MARKER = "<__media__>"
ANEW_SECONDS = 60.0
"""When a marker that is no longer known will have been asked for again."""


class LlamaCpp(OpenAI):
    """llama-server, started with --embedding and --pooling last, or for a chat."""

    name: ClassVar[str] = "llamacpp"

    def _offer(self, entry: Json, network: str) -> Offer:
        return Offer(network, super()._offer(entry, network).prompt, conversations=PICTURES)

    def about(self, offer: Offer) -> Request:
        return Request("/props")

    def learned(self, offer: Offer, answer: Any) -> Offer:
        if not isinstance(answer, dict):
            raise BadAnswer("the server describes itself in a way that is not understood")
        marker, can = answer.get(MARKER), answer.get("modalities")
        sees = bool(can.get("vision")) if isinstance(can, dict) else True
        modalities = None if sees else frozenset({"text"})
        details = {MARKER: marker if isinstance(marker, str) and marker else USUAL_MARKER}
        return replace(offer, details=details, modalities=modalities)

    def forms(self, offer: Offer) -> Sequence[Offer]:
        return (offer,)

    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        if all(one.picture is None for one in inputs):
            body = {"model": task.offer.network, "encoding_format": "float", "input": prompts(task, inputs)}
            return Request(EMBEDDINGS, body)
        return Request("/embeddings", {"content": [_content(task, one) for one in inputs]})

    def vectors(self, answer: Any, count: int) -> tuple[Vectors, Spent]:
        if not isinstance(answer, list):
            return super().vectors(answer, count)
        return vectors_in([_flat(row) for row in answer], count), Spent()

    def fault(self, status: int, answer: Any, retry_after: str | None) -> InferenceError | None:
        found = super().fault(status, answer, retry_after)
        if found is None:
            return None
        if "marker" in found.message:
            return Overloaded(found.message, retry_after=ANEW_SECONDS)
        # It calls an input that does not fit its batch a failure of its own; it will never fit.
        return Refused(found.message) if "too large to process" in found.message else found


def _content(task: EmbedTask, entry: EmbedInput) -> Json:
    if entry.picture is None:
        raise Refused("an input without a picture goes with texts")
    marker = str(task.offer.details.get(MARKER, USUAL_MARKER))
    # The marker in a text would call for a second picture.
    text = harmless(entry.text or "").replace(marker, " ")
    system = instruction_for(task.purpose, task.instruction).replace(marker, " ")
    prompt = CHAT.format(system=system, text=marker + text)
    return {"prompt_string": prompt, "multimodal_data": [base64.b64encode(entry.picture.data).decode()]}


def _flat(row: Any) -> Any:
    """A row whose vector is the only one of a list: more than one means that nothing was pooled."""
    embedding = row.get("embedding") if isinstance(row, dict) else None
    if not isinstance(embedding, list) or not embedding or not isinstance(embedding[0], list):
        return row
    if len(embedding) > 1:
        raise BadAnswer("the server sends a vector for every token: start it with --pooling last")
    return {**row, "embedding": embedding[0]}
