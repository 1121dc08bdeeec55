"""Who answers, and with what settings. The one place where that is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from searchsite.answers.sources import Source
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.stages import Stages
from searchsite.inference.types import Message

TOP, ENOUGH, MOST_PICTURES = 4, 2, 4
# A thought is some thousand tokens before the first word of the answer.
MOST_TOKENS, MOST_TOKENS_THINKING = 1_200, 8_000


@dataclass(frozen=True)
class Answerer:
    """A network that answers. looks: whether it is shown the pictures among the sources."""

    stage: Literal["answer", "caption"]
    network: str
    looks: bool


def is_configured(stages: Stages) -> bool:
    """Whether anything can answer."""
    return stages.answer is not None or stages.caption is not None


def answerer_for(stages: Stages, sources: Sequence[Source], *, thinking: bool = False) -> Answerer | None:
    """The captioner, which looks at pictures, where the best source is one or two of the best four; else the answerer.

    To think is the answerer's alone, so that it answers where that is wanted. Where only one of the two is
    configured, that one. None where neither is.
    """
    pictured = [source.picture is not None for source in sources[:TOP]]
    looks = not thinking and (any(pictured[:1]) or sum(pictured) >= ENOUGH)
    if stages.caption is not None and (looks or stages.answer is None):
        return Answerer("caption", stages.caption.network, looks=True)
    if stages.answer is not None:
        return Answerer("answer", stages.answer.network, looks=False)
    return None


def pictured_among(answerer: Answerer, sources: Sequence[Source]) -> list[Source]:
    """The sources whose pictures it is shown."""
    return [source for source in sources if source.picture is not None][:MOST_PICTURES] if answerer.looks else []


def task_for(answerer: Answerer, messages: Sequence[Message], *, thinking: bool) -> ChatTask:
    """The settings that the networks' makers give for each way of answering."""
    if answerer.looks:
        # The makers' 0.7 is for talk. What is read off pictures and cited is wanted the same each time; their own
        # examples of that take less, too.
        return ChatTask("", messages, MOST_TOKENS, temperature=0.2, top_p=0.8, top_k=20, stream=True)
    if thinking:
        return ChatTask(
            "", messages, MOST_TOKENS_THINKING, temperature=0.6, top_p=0.95, top_k=20, thinking=True, stream=True
        )
    return ChatTask("", messages, MOST_TOKENS, temperature=0.7, top_p=0.8, top_k=20, thinking=False, stream=True)
