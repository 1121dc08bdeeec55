"""The dialect of OpenRouter: one address before many providers, each with its own habits.

It has no field for an instruction: a picture carries none, and a text carries its own in the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from searchsite.inference.dialects.base import ChatTask, EmbedTask, Json, Offer, Reply, Request, Spent
from searchsite.inference.dialects.faults import KEY_TROUBLE, code_in, error_for, quoted, wait_in
from searchsite.inference.dialects.openai import CHAT, EMBEDDINGS, OpenAI, chat_head, parts, prompts, turn
from searchsite.inference.dialects.rows import scores_in, spent_in
from searchsite.inference.errors import Declined, InferenceError, Overloaded, Refused
from searchsite.inference.prompts import harmless
from searchsite.inference.types import EmbedInput
from searchsite.inference.wire import data_url

PICTURES = 8
"""Pictures in one request."""
IN_FLIGHT = "openrouter_in_flight_budget"
TITLE = "searchsite"
KINDS = {
    "rate_limit_exceeded": 429,
    "provider_overloaded": 529,
    "provider_unavailable": 502,
    "payment_required": 402,
    "timeout": 504,
    "context_length_exceeded": 400,
    "invalid_image": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "unsupported_image_format": 400,
}
"""What the word for an error means, where it has no code."""


class OpenRouter(OpenAI):
    """OpenRouter. pinned: the providers that may embed, so that all vectors come from one deployment."""

    name: ClassVar[str] = "openrouter"

    def __init__(self, pinned: Sequence[str] = ()) -> None:
        self._pinned = tuple(pinned)

    def headers(self, key: str | None) -> dict[str, str]:
        return {**super().headers(key), "X-Title": TITLE, "X-OpenRouter-Title": TITLE}

    def catalogue(self, *, embedding: bool) -> Request:
        return Request("/v1/embeddings/models" if embedding else "/v1/models")

    def _offer(self, entry: Json, network: str) -> Offer:
        known = super()._offer(entry, network)
        architecture = entry.get("architecture")
        said = architecture.get("input_modalities") if isinstance(architecture, dict) else None
        modalities = frozenset({"text", "image"} & set(map(str, said))) if isinstance(said, list) else None
        return Offer(network, known.prompt, conversations=PICTURES, modalities=modalities)

    def forms(self, offer: Offer) -> Sequence[Offer]:
        return (offer,)

    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        body = {**self.head(task), **self._provider(strict=task.dimensions is not None)}
        if all(one.picture is None for one in inputs):
            return Request(EMBEDDINGS, {**body, "input": prompts(task, inputs)})
        return Request(EMBEDDINGS, {**body, "input": [{"content": parts(one)} for one in inputs]})

    def chat(self, task: ChatTask) -> Request:
        body = chat_head(task)
        body.pop("stream_options", None)
        body |= {"max_completion_tokens": task.most_tokens, "messages": [turn(one) for one in task.messages]}
        if task.top_k is not None:
            body["top_k"] = task.top_k
        if task.thinking is not None:
            body["reasoning"] = {"enabled": True} if task.thinking else {"effort": "none"}
        if task.schema is not None:
            body["provider"] = {"require_parameters": True}
        return Request(CHAT, body)

    def reply(self, answer: Any) -> Reply:
        choices = answer.get("choices") if isinstance(answer, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        fault = self.fault(200, first, None) if isinstance(first, dict) else None
        if fault is not None:
            raise fault
        return super().reply(answer)

    def rerank(self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str) -> Request:
        """Its rerankers take a question in words alone, and no instruction."""
        if not query.text:
            raise Refused("OpenRouter reranks by words alone")
        body: Json = {"model": network, "query": harmless(query.text), "top_n": len(documents)}
        return Request("/v1/rerank", {**body, "documents": [_document(one) for one in documents]})

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], Spent]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        return scores_in(rows, count), spent_in(rows and answer.get("usage"), ("total_tokens",))

    def fault(self, status: int, answer: Any, retry_after: str | None) -> InferenceError | None:
        said = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(said, dict):
            return super().fault(status, answer, retry_after)
        about = said.get("metadata")
        about = about if isinstance(about, dict) else {}
        status = code_in(said.get("code")) or KINDS.get(str(about.get("error_type"))) or status
        wait = wait_in(retry_after) or wait_in(about.get("retry_after_seconds"))
        message = _message(said, about)
        if about.get("error_type") == "content_policy_violation" or (status == 403 and "reasons" in about):
            return Declined(message)
        if status == 402 and about.get("limit_source") == IN_FLIGHT and wait is not None:
            return Overloaded(message, retry_after=wait)
        return error_for(status, message, wait=None if status in KEY_TROUBLE else wait)

    def _provider(self, *, strict: bool) -> Json:
        choice: Json = {"only": list(self._pinned), "allow_fallbacks": False} if self._pinned else {}
        if strict:
            # Else a provider that ignores `dimensions` may be chosen.
            choice["require_parameters"] = True
        return {"provider": choice} if choice else {}


def _message(said: Json, about: Json) -> str:
    """The message with what stands behind it: "Provider returned error" alone tells nothing."""
    parts_ = [said.get("message") or f"error {said.get('code')}", about.get("provider_name"), about.get("raw")]
    return quoted(": ".join(part for part in parts_ if isinstance(part, str) and part))


def _document(entry: EmbedInput) -> Any:
    """A text as it is; a picture as an object."""
    if entry.picture is None:
        return harmless(entry.text or "")
    text = {"text": harmless(entry.text)} if entry.text else {}
    return {**text, "image": data_url(entry.picture)}
