"""Tries each configured network, so that nothing is indexed with vectors that its makers did not mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from searchsite.inference import trials
from searchsite.inference.client import Client
from searchsite.inference.errors import (
    BadAnswer,
    InferenceError,
    NotOffered,
    OutOfBudget,
    Overloaded,
    Refused,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.remedies import remedy
from searchsite.inference.stages import Endpoint
from searchsite.inference.trials import Row
from searchsite.inference.types import Stage

STAGES: Sequence[Stage] = ("embed", "read", "caption", "rerank", "answer")
TRIALS: Mapping[Stage, Callable[[Client, Endpoint], Iterator[Row]]] = {
    "embed": trials.embedder,
    "read": trials.reader,
    "caption": trials.captioner,
    "rerank": trials.reranker,
    "answer": trials.answerer,
}
SUBJECTS: Sequence[tuple[type[InferenceError], str]] = (
    (NotOffered, "offered"),
    (Unreachable, "reachable"),
    (Overloaded, "reachable"),
    (Unauthorised, "key"),
    (TooSlow, "in time"),
    (OutOfBudget, "budget"),
    (BadAnswer, "answer"),
    (Refused, "accepted"),
)


@dataclass(frozen=True)
class Report:
    """All that was looked at."""

    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed; a warning is no failure."""
        return all(row.outcome != "fail" for row in self.rows)

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence or two for each thing that failed: what was found, and what to do."""
        failed = (row for row in self.rows if row.outcome == "fail")
        return tuple(f"{row.subject.capitalize()}: {row.found}. {row.advice}".strip() for row in failed)


def check(client: Client, stages: Sequence[Stage] = STAGES) -> Report:
    """Try the networks of these stages, as far as they are configured. Raises no InferenceError."""
    return Report(tuple(row for stage in stages for row in _tried(client, stage)))


def check_embedder(client: Client) -> Report:
    """Try the embedder alone. What fails here must not be indexed with."""
    return check(client, ("embed",))


def _tried(client: Client, stage: Stage) -> Iterator[Row]:
    endpoint: Endpoint | None = getattr(client.stages, stage)
    if endpoint is None:
        return
    try:
        yield from trials.offered(client, stage, endpoint)
        yield from TRIALS[stage](client, endpoint)
    except InferenceError as error:
        subject = next((name for kind, name in SUBJECTS if isinstance(error, kind)), "answer")
        yield Row(stage, subject, "fail", error.message, remedy(error, stage, endpoint), error)
