"""What is sent for a ranking and for a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from searchsite.inference import offers
from searchsite.inference.calling import Exchange, Line
from searchsite.inference.dialects.base import ChatTask, Reply, Spent
from searchsite.inference.prompts import clean
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedInput, Message, Picture, Reading

ANSWER_BYTES = 8 * 2**20
SCORES_BYTES = 64 * 1024
RELEVANT = "Given a search query, retrieve relevant candidates that answer the query."
"""What a reranker is to judge, where nobody says otherwise."""


def ranking(
    line: Line, query: EmbedInput, documents: Sequence[EmbedInput], instruction: str
) -> Exchange[tuple[tuple[float, ...], Spent]]:
    """How relevant documents are to a query."""
    request = line.dialect.rerank(line.endpoint.network, query, documents, instruction)
    # Some servers send back all that they were sent, and write each letter that is not ASCII as six.
    sent = sum(6 * len(one.text or "") + len(one.picture.data if one.picture else b"") for one in documents)
    return Exchange(request, lambda answer: line.dialect.scores(answer, len(documents)), 2 * sent + SCORES_BYTES)


def greeting(line: Line, stage: str) -> Exchange[Reply]:
    """The shortest chat; if a captioner refuses that, with a picture, as some do not chat without one."""
    seeing = _greeting(line, (offers.grey(),)) if stage == "caption" else None
    return replace(_greeting(line), otherwise=seeing)


def _greeting(line: Line, pictures: tuple[Picture, ...] = ()) -> Exchange[Reply]:
    hello = Message("user", "Say yes.", pictures)
    task = ChatTask(line.endpoint.network, [hello], most_tokens=16, thinking=False)
    return Exchange(line.dialect.chat(task), line.dialect.reply, ANSWER_BYTES)


def glance(line: Line) -> Exchange[list[Reading]]:
    """The shortest reading: of a grey picture, in which nothing stands."""
    request = line.dialect.read(line.endpoint.network, offers.grey(), text=True)
    return Exchange(request, lambda answer: line.dialect.readings(answer, 1), ANSWER_BYTES)


def sendable(task: ChatTask, endpoint: Endpoint, *, stream: bool) -> ChatTask:
    """The task as it can be sent to the endpoint."""
    messages = [replace(one, text=clean(one.text)) for one in task.messages]
    return replace(task, network=endpoint.network, messages=messages, stream=stream)
