"""Questions answered from the library."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal
from uuid import UUID

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from pydantic import BaseModel, Field

from searchsite.accounts import meter
from searchsite.answers import asking, events, quoting, writing
from searchsite.answers.answering import Answering
from searchsite.answers.sources import Source
from searchsite.api import inputs, schemas
from searchsite.api.asking import filters_of, item_of
from searchsite.api.auth import ASK, Request
from searchsite.inference.types import Usage
from searchsite.search.questions import MOST_CHARS, Question, Term

router = Router(tags=["answers"])
EXAMPLE = {"question": "How long does the dough rest?", "filters": {"kind": ["text"]}, "stream": False}
EVENT = {
    "type": "object",
    "description": "One event of the stream; `data` is JSON. The last is `end`, with the whole answer.",
    "properties": {
        "event": {"type": "string", "enum": ["sources", "thinking", "piece", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
OWN = {
    "requestBody": {"content": {"application/json": {"example": EXAMPLE}}},
    "responses": {200: {"content": {"text/event-stream": {"schema": EVENT}}}},
}


class AskIn(inputs.Strict):
    """A question to be answered."""

    question: inputs.Text = Field(min_length=1, max_length=MOST_CHARS)
    filters: inputs.FiltersIn = inputs.FiltersIn()
    thinking: bool = Field(False, description="Think first: slower, dearer, and by `ANSWERER` alone, without pictures.")
    stream: bool = Field(False, description="Answer with server-sent events: sources, thinking, piece, end.")


class SourceOut(BaseModel):
    """One item that the answer may rest on."""

    n: int = Field(description="The number it is cited by.")
    item: schemas.HitItem
    part: int | None = Field(description="The part that matched the question.")
    quote: str = Field(description="The passage that matched the question.")


class CitationOut(BaseModel):
    """One place where the answer names a source."""

    n: int
    item: UUID
    part: int | None
    quote: str | None = Field(description="The source's sentence that says it, where one does in the same words.")


class SpentOut(BaseModel):
    """What the call took, where the server says."""

    tokens: int
    output_tokens: int
    cost: float | None = Field(description="US dollars, where the provider or the table of prices tells.")


class AnswerOut(BaseModel):
    """An answer, or why there is none."""

    answer: str = Field(description="Plain text with a little Markdown; sources as [1]. Empty where there is none.")
    state: Literal[
        "complete", "cut", "interrupted", "stopped", "declined", "no_budget", "away", "absent", "changed"
    ] = Field(description="Only `complete` is a whole answer; `absent` means: not in the library.")
    detail: str = Field(description="How it ended, in a sentence; empty for a whole answer.")
    citations: list[CitationOut]
    sources: list[SourceOut]
    answered_by: str = Field(description="The network's name; empty where none was asked.")
    thinking: str | None = Field(description="What it thought before, where it did.")
    usage: SpentOut | None
    took_ms: float
    notes: list[str] = Field(description="What the caller should know, in sentences.")


@router.post("/ask", auth=ASK, response=AnswerOut, summary="Have a question answered", openapi_extra=OWN)
def ask(request: Request, asked: AskIn) -> HttpResponseBase:
    """Answered from what the caller may see, with citations. It spends money where the network is a paid one.

    A token that may read may ask; the team's budget is what limits it. One answer at a time: a new question stops the
    caller's last one. 503 with `Retry-After` when the server answers as many as it can.
    """
    question = Question((Term(text=asked.question),), filters_of(asked.filters))
    answering = asking.ask(question, request.auth.scope, thinking=asked.thinking, let_in=request.auth.let_in)
    if asked.stream:
        body = events.Stream(answering, _events(answering))
        return StreamingHttpResponse(body, content_type=events.MEDIA_TYPE, headers=events.HEADERS)
    try:
        for _step in asking.follow(answering):
            pass
        return _json(answer_out(answering))
    finally:
        answering.close()


def answer_out(answering: Answering) -> AnswerOut:
    """Describe an answer that has ended."""
    sources = {source.number: source for source in answering.sources}
    usage = answering.usage
    return AnswerOut.model_validate(
        {
            "answer": answering.text,
            "state": answering.state,
            "detail": answering.sentence,
            "citations": _citations(answering, sources),
            "sources": [_source(source) for source in sources.values()],
            "answered_by": answering.answered_by,
            "thinking": answering.thoughts or None,
            "usage": usage and _spent(usage),
            "took_ms": answering.took_ms,
            "notes": list(answering.results.notes),
        }
    )


def _citations(answering: Answering, sources: dict[int, Source]) -> list[CitationOut]:
    found: dict[tuple[int, str | None], CitationOut] = {}
    for number, statement in writing.statements(answering.text, len(sources)):
        source = sources[number]
        quote = quoting.quote_of(source, statement)
        found[number, quote] = CitationOut(n=number, item=source.item.id, part=source.part, quote=quote)
    return list(found.values())


def _spent(usage: Usage) -> SpentOut:
    cost = meter.cost_of(usage)
    return SpentOut(tokens=usage.tokens, output_tokens=usage.output_tokens, cost=None if cost is None else float(cost))


def _source(source: Source) -> SourceOut:
    return SourceOut.model_validate(
        {"n": source.number, "item": item_of(source.item), "part": source.part, "quote": source.quote}
    )


def _events(answering: Answering) -> Generator[bytes]:
    """sources; thinking and piece with what is new; end with all that a plain answer has."""
    sources = [_source(source).model_dump(mode="json") for source in answering.sources]
    yield events.event("sources", sources=sources, notes=list(answering.results.notes))
    said = thought = ""
    for _step in events.steps(answering):
        new = [_more("thinking", thought, answering.thoughts), _more("piece", said, answering.text)]
        said, thought = answering.text, answering.thoughts
        yield b"".join(new) or events.PING
    yield events.event("end", **answer_out(answering).model_dump(mode="json"))


def _more(name: str, before: str, now: str) -> bytes:
    """What is new of a text; all of it, with `replace`, where what was sent before holds no more."""
    if now == before:
        return b""
    if now.startswith(before):
        return events.event(name, text=now[len(before) :])
    return events.event(name, text=now, replace=True)


def _json(shape: BaseModel) -> HttpResponse:
    return JsonResponse(shape.model_dump(mode="json"))
