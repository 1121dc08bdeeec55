"""A question on its way to an answer: what was found, what has been said so far, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite.answers import speech
from searchsite.answers.choosing import Answerer
from searchsite.answers.relay import Opening, Relay
from searchsite.answers.slots import Slot
from searchsite.answers.sources import Gathered, Source, still_there
from searchsite.answers.writing import Block, blocks_of, cited
from searchsite.inference.errors import BadAnswer, Declined, InferenceError, OutOfBudget
from searchsite.inference.types import Piece, Usage
from searchsite.library import scope as scopes
from searchsite.library.scope import Scope

State = Literal[
    "running", "complete", "cut", "interrupted", "stopped", "declined", "no_budget", "away", "absent", "changed"
]
LetIn = Callable[[], bool]
# A lost right ends an answer after both together, at most, and the time it takes to look.
TICK_SECONDS, LOOK_SECONDS = 0.25, 0.5
MOST_CHARS = 60_000
SENTENCES: dict[State, str] = {
    "running": "",
    "complete": "",
    "cut": gettext_noop("The answer was cut off here: it grew too long."),
    "interrupted": gettext_noop("The answer broke off before its end."),
    "stopped": gettext_noop("Stopped. This is not the whole answer."),
    "declined": gettext_noop("The network declined to answer this."),
    "no_budget": gettext_noop("The budget is spent."),
    "away": gettext_noop("No answer can be had just now."),
    "absent": gettext_noop("This is not in the library, as far as you may see it."),
    "changed": gettext_noop("What you may see has changed, and this answer rested on it. Ask again."),
}
FINISHES: dict[str, State] = {"stop": "complete", "length": "cut", "content_filter": "declined"}


@dataclass(frozen=True)
class Asked:
    """A question, who asks it, and whether the answerer may think first.

    let_in: whether what the asker came in by, a session or a token, still lets them in.
    """

    question: str
    scope: Scope
    thinking: bool = False
    let_in: LetIn | None = None


class Answering:
    """One answer in the making. Go through `steps`, and `close` it, however it ends."""

    def __init__(self, asked: Asked, gathered: Gathered, answerer: Answerer | None, slot: Slot | None) -> None:
        self.asked = asked
        self.results = gathered.results
        self.answerer = answerer
        self.usage: Usage | None = None
        self.state: State = "running" if answerer is not None else "absent"
        self.detail = ""
        self._sources = gathered.sources
        self._slot = slot
        self._raw = self._thoughts = ""
        self._begun = time.monotonic() - gathered.results.took_ms / 1000
        self._took: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether more may come."""
        return self.state == "running"

    @property
    def sources(self) -> tuple[Source, ...]:
        """What it may rest on, as long as all of it may be seen."""
        return () if self.state == "changed" else self._sources

    @property
    def text(self) -> str:
        """What may be shown of the answer by now."""
        answer = speech.parted(self._raw)[1]
        if self.state in ("changed", "absent") or speech.is_absent(answer):
            return ""
        hidden = self.is_running and speech.may_be_absent(answer)
        return "" if hidden else speech.without_mark(answer)

    @property
    def thoughts(self) -> str:
        """What was thought before."""
        return "" if self.state == "changed" else (self._thoughts + speech.parted(self._raw)[0]).strip()

    @property
    def blocks(self) -> list[Block]:
        """The answer as paragraphs, lists and code."""
        return blocks_of(self.text, len(self.sources))

    @property
    def cited(self) -> list[int]:
        """The numbers of the sources that it names, in the order in which it does."""
        return cited(self.blocks)

    @property
    def sentence(self) -> str:
        """How it ended, for people; empty for a whole answer."""
        return " ".join(filter(None, (SENTENCES[self.state] and _(SENTENCES[self.state]), self.detail)))

    @property
    def answered_by(self) -> str:
        """The network's name; empty where none was asked."""
        return self.answerer.network if self.answerer else ""

    @property
    def took_ms(self) -> float:
        """How long it took, or has taken so far."""
        return round((self._took or time.monotonic() - self._begun) * 1000, 1)

    def steps(self, opened: Opening) -> Iterator[None]:
        """Go on to the end. Yields whenever something was heard, and four times a second when nothing is."""
        if not self.is_running:
            yield
            return
        looked = time.monotonic()
        with Relay(opened) as relay:
            while self.is_running:
                heard = relay.wait(TICK_SECONDS)
                if heard is not None:
                    self._hear(heard)
                elif relay.is_over:
                    self._end("interrupted")
                if time.monotonic() - looked >= LOOK_SECONDS:
                    looked = time.monotonic()
                    self._look()
                yield

    def close(self) -> None:
        """Let go of what it holds. An answer that still runs is stopped."""
        if self.is_running:
            self._end("stopped")
        if self._slot is not None:
            self._slot.free()

    def _hear(self, heard: Piece | InferenceError) -> None:
        if isinstance(heard, Piece):
            self._raw += heard.text
            self._thoughts += heard.thinking
            self.usage = heard.usage or self.usage
            if heard.finish is not None:
                self._finish(heard.finish)
            elif len(self._raw) + len(self._thoughts) > MOST_CHARS:
                self._end("cut")
        else:
            self._fail(heard)

    def _finish(self, finish: str) -> None:
        answer = speech.parted(self._raw)[1]
        if speech.is_absent(answer):
            self._end("absent")
        else:
            state = FINISHES.get(finish, "interrupted")
            self._end("interrupted" if state == "complete" and not answer.strip() else state)

    def _fail(self, error: InferenceError) -> None:
        self.detail = f"{error.message.rstrip('.')}."
        if isinstance(error, OutOfBudget):
            self._end("no_budget")
        elif isinstance(error, Declined):
            self._end("declined")
        else:
            self._end("interrupted" if self._raw or self._thoughts or isinstance(error, BadAnswer) else "away")

    def _look(self) -> None:
        """Stop where the asker is gone, may not see a source any more, or has asked something else."""
        try:
            in_still = self.asked.let_in is None or self.asked.let_in()
            there = in_still and still_there(self._sources, scopes.renewed(self.asked.scope))
        except (OperationalError, InterfaceError):
            # Nobody can tell what may be seen, so nothing more is shown.
            self.detail = _("The database does not answer.")
            return self._end("interrupted")
        if not there:
            self._end("changed")
        elif self.is_running and self._slot is not None and self._slot.revoked.is_set():
            self._end("stopped")
        return None

    def _end(self, state: State) -> None:
        self.state = state
        self._took = time.monotonic() - self._begun
