"""Where the client tells what calls cost, and asks whether one may go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from searchsite.inference.dialects.base import ChatTask, Spent
from searchsite.inference.dialects.rows import spent_in
from searchsite.inference.errors import InferenceError
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedInput, Purpose, Stage, Usage


class Meter(Protocol):
    """Whoever keeps the accounts. A module with these two functions is one, too."""

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        """Let a call go out. Raises OutOfBudget."""

    def record(self, usage: Usage) -> None:
        """Write down what a call cost, also one that failed after it was paid for."""


class Free:
    """The meter of whoever keeps no accounts."""

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        """Every call goes out."""

    def record(self, usage: Usage) -> None:
        """Nothing is written down."""


@contextmanager
def telling(meter: Meter, usage: Callable[[Spent], Usage]) -> Iterator[None]:
    """Write down what an answer cost that could not be used."""
    try:
        yield
    except InferenceError as error:
        for spent in paid_for(error):
            meter.record(replace(usage(spent), failed=True))
        raise


def paid_for(error: InferenceError) -> list[Spent]:
    """What an answer cost that could not be used; nothing where it does not say so."""
    spent = spent_in(error.usage, ("prompt_tokens", "input_tokens", "total_tokens"))
    return [] if spent == Spent() else [spent]


def usage_of(operation: str, endpoint: Endpoint, spent: Spent, seconds: float) -> Usage:
    """What one call cost."""
    return Usage(
        operation=operation,
        embedder=endpoint.network,
        calls=1,
        inputs=1,
        tokens=spent.tokens,
        seconds=seconds,
        output_tokens=spent.output_tokens,
        cost=spent.cost,
        provider="" if endpoint.is_local else endpoint.host,
    )


def usage_of_talk(stage: Stage, endpoint: Endpoint, task: ChatTask, spent: Spent, seconds: float) -> Usage:
    """What one answer cost."""
    pictures = sum(len(message.pictures) for message in task.messages)
    return replace(usage_of(stage, endpoint, spent, seconds), pictures=pictures)


def usage_of_batches(
    endpoint: Endpoint, purpose: Purpose, done: Sequence[tuple[Sequence[EmbedInput], Spent]], seconds: float
) -> Usage:
    """What the requests of one call cost together."""
    costs = [spent.cost for _, spent in done]
    spent = Spent(
        tokens=sum(one.tokens for _, one in done),
        cost=sum(cost or 0.0 for cost in costs) if any(cost is not None for cost in costs) else None,
    )
    every = [entry for inputs, _ in done for entry in inputs]
    usage = usage_of("query" if purpose == "query" else "embed", endpoint, spent, seconds)
    pictures = sum(entry.picture is not None for entry in every)
    return replace(usage, calls=len(done), inputs=len(every), pictures=pictures)
