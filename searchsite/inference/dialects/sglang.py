"""The dialect of SGLang, which renders pictures with the server's own chat template.

Start it with --chat-template and the file `docs/templates/qwen3_vl_embedding.jinja`: its own template has no system
turn, and the vectors of pictures would not be those that the embedder was trained to give. Pictures therefore always
carry the instruction of that file; texts carry any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from searchsite.inference.dialects.base import EmbedTask, Json, Offer, Request, Spent
from searchsite.inference.dialects.openai import EMBEDDINGS, parts, prompts
from searchsite.inference.dialects.rows import scores_in
from searchsite.inference.dialects.vllm import VLLM
from searchsite.inference.prompts import harmless
from searchsite.inference.types import EmbedInput
from searchsite.inference.wire import data_url

PICTURES = 8
"""Pictures in one request."""


class SGLang(VLLM):
    """SGLang: its chat is vLLM's."""

    name: ClassVar[str] = "sglang"

    def _offer(self, entry: Json, network: str) -> Offer:
        known = super()._offer(entry, network)
        return Offer(network, known.prompt, known.revision, conversations=PICTURES)

    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        if all(one.picture is None for one in inputs):
            return Request(EMBEDDINGS, {**self.head(task), "input": prompts(task, inputs)})
        return Request(EMBEDDINGS, {**self.head(task), "input": [_both(one) for one in inputs]})

    def rerank(self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str) -> Request:
        body: Json = {"model": network, "query": _document(query), "documents": [_document(one) for one in documents]}
        rest = {"instruct": harmless(instruction), "top_n": len(documents), "return_documents": False}
        return Request("/v1/rerank", {**body, **rest})

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], Spent]:
        return scores_in(answer, count), Spent()


def _both(entry: EmbedInput) -> Json:
    """A picture, with its text where there is one: an empty text would be refused."""
    found: Json = {"text": harmless(entry.text)} if entry.text else {}
    return found if entry.picture is None else {**found, "image": data_url(entry.picture)}


def _document(entry: EmbedInput) -> Any:
    """A text as it is; a picture as parts."""
    return harmless(entry.text or "") if entry.picture is None else parts(entry)
