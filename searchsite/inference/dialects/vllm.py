"""The dialect of vLLM: one server a network, conversations for pictures, and reranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from searchsite.inference.dialects.base import ChatTask, Offer, Request, Spent
from searchsite.inference.dialects.openai import CHAT, OpenAI, chat_head, parts, turn
from searchsite.inference.dialects.rows import scores_in, spent_in
from searchsite.inference.prompts import harmless
from searchsite.inference.types import EmbedInput


class VLLM(OpenAI):
    """vLLM, one server a network."""

    name: ClassVar[str] = "vllm"
    encoding: ClassVar[str] = "base64"
    unit: ClassVar[bool] = True

    def forms(self, offer: Offer) -> Sequence[Offer]:
        return (offer,)

    def chat(self, task: ChatTask) -> Request:
        body = {**chat_head(task), "max_tokens": task.most_tokens, "messages": [turn(one) for one in task.messages]}
        if task.top_k is not None:
            body["top_k"] = task.top_k
        if task.thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": task.thinking}
        return Request(CHAT, body)

    def rerank(self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str) -> Request:
        body = {"model": network, "query": _document(query), "documents": [_document(one) for one in documents]}
        return Request("/v1/rerank", {**body, "top_n": len(documents), "instruction": harmless(instruction)})

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], Spent]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        return scores_in(rows, count), spent_in(rows and answer.get("usage"))


def _document(entry: EmbedInput) -> Any:
    """A text as it is; a picture as parts."""
    return harmless(entry.text or "") if entry.picture is None else {"content": parts(entry)}
