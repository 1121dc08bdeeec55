"""The way of an asked question: its sources, who answers, and the call that streams the answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite import config
from searchsite.accounts import meter
from searchsite.answers import choosing, prompts, slots
from searchsite.answers.answering import Answering, Asked, LetIn
from searchsite.answers.sources import Source, gather
from searchsite.indexing import provider
from searchsite.inference.deadline import wanted_until
from searchsite.inference.resizing import CAPTION_PIXELS, NoPicture, fitted
from searchsite.inference.types import Picture, Piece
from searchsite.library import files
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.search.questions import BadQuestion, Question, checked

SECONDS = 120.0
"""How long an answer may take."""
NOT_CONFIGURED = gettext_noop(
    "No network that answers questions is configured here: set PRESET, or ANSWERER and ANSWER_URL."
)


def is_configured() -> bool:
    """Whether questions can be answered here at all."""
    return choosing.is_configured(provider.client().stages)


def can_think() -> bool:
    """Whether there is a network that may think before it answers."""
    return provider.client().stages.answer is not None


def ask(question: Question, scope: Scope, *, thinking: bool = False, let_in: LetIn | None = None) -> Answering:
    """Begin to answer: find the sources. `follow` then has them read; nothing is paid for without any.

    thinking: have it thought over first, where a network is configured that can.
    let_in: asked twice a second, whether the asker is still let in at all.

    Raises BadQuestion, and Refusal where nothing can answer or too many answers are under way. Close what it returns.
    """
    question = checked(question)
    if not question.words:
        raise BadQuestion(_("Write a question first."))
    if not is_configured():
        raise Refusal(_(NOT_CONFIGURED), code="not-configured", status=409)
    slot = slots.take(scope.user_id, most=config.load().answer_streams)
    try:
        gathered = gather(question, scope)
        stages, sources = provider.client().stages, gathered.sources
        chosen = choosing.answerer_for(stages, sources, thinking=thinking) if sources else None
    except BaseException:
        slot.free()
        raise
    able = thinking and chosen is not None and chosen.stage == "answer"
    return Answering(Asked(question.words, scope, able, let_in), gathered, chosen, slot)


def follow(answering: Answering) -> Iterator[None]:
    """Have the answer written. Yields whenever there is more of it, and four times a second when there is not.

    Never raises an InferenceError: `answering.state` says how it ended.
    """

    @contextmanager
    def opened(stop: threading.Event) -> Iterator[Iterator[Piece]]:
        asked, answerer = answering.asked, answering.answerer
        assert answerer is not None
        shown = _pictures(choosing.pictured_among(answerer, answering.sources))
        messages = prompts.messages(asked.question, answering.sources, shown)
        task = choosing.task_for(answerer, messages, thinking=asked.thinking)
        client = provider.client()
        with (
            meter.paying([asked.scope.team_id]),
            wanted_until(stop),
            client.stream(answerer.stage, task, seconds=SECONDS) as pieces,
        ):
            yield pieces

    return answering.steps(opened)


def _pictures(sources: Sequence[Source]) -> list[tuple[int, Picture]]:
    """The pictures to look at, by their source's number; a file that is gone meanwhile is left out."""
    shown: list[tuple[int, Picture]] = []
    for source in sources:
        if source.picture is not None:
            with suppress(FileNotFoundError, NoPicture):
                whole = Picture(source.picture.read_bytes(), files.DERIVATIVE_TYPE)
                shown.append((source.number, fitted(whole, CAPTION_PIXELS)))
    return shown
