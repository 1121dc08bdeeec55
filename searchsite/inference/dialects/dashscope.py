"""The dialect of DashScope: embeddings and reranking that only it serves, in a space of its own.

Its vectors are not those of the open weights of a similar name. For its chats, use the dialect `openai`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from searchsite.inference.dialects.base import Dialect, EmbedTask, Json, Offer, Request, Spent
from searchsite.inference.dialects.faults import error_for, quoted, wait_in
from searchsite.inference.dialects.rows import scores_in, spent_in, vectors_in
from searchsite.inference.errors import BadInput, Declined, InferenceError, Refused
from searchsite.inference.prompts import harmless, instruction_for
from searchsite.inference.types import EmbedderInfo, EmbedInput, Vectors
from searchsite.inference.wire import data_url

MOST_CONTENTS = 20
MOST_PICTURE_BYTES = 5 * 2**20
DIMENSIONS = (2560, 2048, 1536, 1024, 768, 512, 256)
EMBED = "/v1/services/embeddings/multimodal-embedding/multimodal-embedding"
RERANK = "/v1/services/rerank/text-rerank/text-rerank"
NOTES = ("Its vectors are its own: those of the open weights of a similar name do not fit them.",)
CODES = {
    "Throttling": 429,
    "ServiceUnavailable": 503,
    "InvalidApiKey": 401,
    "AccessDenied": 403,
    "Arrearage": 402,
    "InvalidParameter": 400,
    "ModelNotFound": 404,
    "InternalError": 500,
    "RequestTimeOut": 504,
}
"""The beginning of a code, and what it means where the status says nothing."""
DECLINED = ("DataInspectionFailed", "data_inspection_failed")


class DashScope(Dialect):
    """DashScope, at https://dashscope.aliyuncs.com/api/v1."""

    name: ClassVar[str] = "dashscope"
    most_texts: ClassVar[int] = MOST_CONTENTS

    def catalogue(self, *, embedding: bool) -> None:
        return None

    def networks(self, answer: Any) -> list[str]:
        return []

    def offer(self, answer: Any, network: str) -> Offer:
        modalities = frozenset({"text", "image"})
        info = EmbedderInfo(network, "", DIMENSIONS[0], mrl=True, modalities=modalities, notes=NOTES)
        return Offer(network, "plain", conversations=MOST_CONTENTS, info=info, modalities=modalities)

    def embed(self, task: EmbedTask, inputs: Sequence[EmbedInput]) -> Request:
        parameters: Json = {"dimension": _size(task.dimensions), "output_type": "dense"}
        if task.purpose == "query" or task.instruction:
            parameters["instruct"] = instruction_for(task.purpose, task.instruction)
        contents = [_content(one, place) for place, one in enumerate(inputs)]
        body = {"model": task.offer.network, "input": {"contents": contents}, "parameters": parameters}
        return Request(EMBED, body)

    def vectors(self, answer: Any, count: int) -> tuple[Vectors, Spent]:
        output = answer.get("output") if isinstance(answer, dict) else None
        rows = output.get("embeddings") if isinstance(output, dict) else None
        return vectors_in(rows, count), _spent(answer)

    def rerank(self, network: str, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str) -> Request:
        asked: Json
        if "-vl-" in network:
            asked = {"query": _content(query, 0), "documents": [_content(one, at) for at, one in enumerate(documents)]}
        else:
            asked = {"query": _words(query), "documents": [_words(one) for one in documents]}
        rest = {"top_n": len(documents), "return_documents": False, "instruct": harmless(instruction)}
        return Request(RERANK, {"model": network, "input": asked, "parameters": rest})

    def scores(self, answer: Any, count: int) -> tuple[tuple[float, ...], Spent]:
        output = answer.get("output") if isinstance(answer, dict) else None
        return scores_in(output.get("results") if isinstance(output, dict) else None, count), _spent(answer)

    def fault(self, status: int, answer: Any, retry_after: str | None) -> InferenceError | None:
        code = answer.get("code") if isinstance(answer, dict) else None
        if status < 300 and not code:
            return None
        message = quoted((answer.get("message") if isinstance(answer, dict) else None) or code or f"status {status}")
        if isinstance(code, str):
            if code.startswith(DECLINED):
                return Declined(message)
            status = next((known for word, known in CODES.items() if code.startswith(word)), status)
        return error_for(status, message, wait=wait_in(retry_after))


def _size(asked: int | None) -> int:
    """The least of the sizes it knows that holds what was asked for; the client cuts the rest."""
    return min((size for size in DIMENSIONS if size >= (asked or DIMENSIONS[0])), default=DIMENSIONS[0])


def _content(entry: EmbedInput, place: int) -> Json:
    """One element: with a picture and a text it makes one vector of both."""
    if entry.picture is not None and len(entry.picture.data) > MOST_PICTURE_BYTES:
        raise BadInput("the picture has more than 5 MB", index=place)
    picture = {} if entry.picture is None else {"image": data_url(entry.picture)}
    return {**picture, "text": harmless(entry.text)} if entry.text else picture


def _words(entry: EmbedInput) -> str:
    if not entry.text:
        raise Refused("this reranker takes words alone")
    return harmless(entry.text)


def _spent(answer: Any) -> Spent:
    usage = answer.get("usage") if isinstance(answer, dict) else None
    return spent_in(usage, ("total_tokens", "input_tokens"))
