"""A streamed answer, piece by piece, until the one that says that it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from searchsite.inference.calling import Line
from searchsite.inference.dialects.base import ChatTask, Spent
from searchsite.inference.dialects.thinking import Splitter
from searchsite.inference.errors import BadAnswer, InferenceError
from searchsite.inference.transport import Events
from searchsite.inference.types import Piece, Usage

BYTES_A_TOKEN = 4


@dataclass
class Answer:
    """What came of an answer so far. `finish` is set by the server alone."""

    line: Line
    task: ChatTask
    usage: Callable[[Spent], Usage]
    finish: str | None = None
    whole: bool = False
    _spent: Spent | None = None
    _splitter: Splitter = field(default_factory=Splitter)
    _heard: int = 0

    def pieces(self, events: Events) -> Iterator[Piece]:
        """The pieces as they come; the last one has `finish`. Raises BadAnswer for a stream that was cut."""
        try:
            for event in events:
                yield from self._pieces(event)
        except InferenceError as error:
            self.line.judge(error)
            raise
        yield from _spoken(*self._splitter.end())
        if self.finish is None or not events.complete:
            raise BadAnswer(f"{self.line.endpoint.name} ended its answer before it was complete")
        self.whole = True
        yield Piece(finish=self.finish, usage=self.usage(self.spent))

    @property
    def spent(self) -> Spent:
        """What the server said that it cost, or a guess by the length of what was said: a cut answer is paid for."""
        if self._spent is not None:
            return self._spent
        asked = sum(len(message.text.encode()) for message in self.task.messages)
        return Spent(asked // BYTES_A_TOKEN, self._heard // BYTES_A_TOKEN)

    def _pieces(self, event: object) -> Iterator[Piece]:
        with self.line.masked():
            chunk = self.line.dialect.chunk(event)
        if chunk is None:
            return
        self._spent = chunk.spent or self._spent
        self.finish = chunk.finish or self.finish
        self._heard += len(chunk.text.encode()) + len(chunk.thinking.encode())
        text, thought = self._splitter.feed(chunk.text) if chunk.text else ("", "")
        yield from _spoken(text, chunk.thinking + thought)


def _spoken(text: str, thinking: str) -> Iterator[Piece]:
    if text or thinking:
        yield Piece(text, thinking)
