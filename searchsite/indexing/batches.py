"""Embeds many inputs in few calls, and finds the one that spoils a call for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from searchsite.accounts import meter
from searchsite.indexing import provider, suspects
from searchsite.indexing.fingerprints import WrongEmbedder
from searchsite.indexing.inputs import NO_FILE, Pending, input_of
from searchsite.indexing.models import Space
from searchsite.inference.client import Client
from searchsite.inference.errors import BadInput, InferenceError, NotOffered, ServerFailed, TooSlow, Unreachable
from searchsite.inference.types import EmbedInput, Vectors

Inputs = Sequence[tuple[int, EmbedInput]]
AT_ONCE = 32
# Finding two bad inputs among 32 by halves takes 19 calls; more trouble than that is not of single inputs.
MOST_CALLS = 24


@dataclass
class Outcome:
    """By part: its vector or what was wrong with it. `stopped`: what kept the rest from being embedded."""

    vectors: dict[int, Vectors] = field(default_factory=dict)
    errors: dict[int, InferenceError] = field(default_factory=dict)
    stopped: InferenceError | None = None


@dataclass
class _Chunk:
    """Some parts on their way, with the calls spent on them. `teams`: who pays for each part."""

    client: Client
    outcome: Outcome
    teams: Mapping[int, int]
    calls: int = 0

    def embed(self, inputs: Inputs, *, again: bool = True) -> None:
        if not inputs:
            return
        self.calls += 1
        try:
            with meter.paying(self.teams[part_id] for part_id, _ in inputs):
                vectors = self.client.embed([one for _, one in inputs], purpose="document").vectors
        except InferenceError as caught:
            self.outcome.vectors.update((inputs[place][0], vector) for place, vector in caught.made.items())
            rest = [one for place, one in enumerate(inputs) if place not in caught.made]
            error = _settled(caught, self.client)
            if error.shared:
                raise error from caught
            if caught.shared and again and len(rest) == 1:
                # Its connection broke, and was perhaps only unlucky.
                return self.embed(rest, again=False)
            if isinstance(caught, TooSlow | Unreachable | ServerFailed):
                self.compare(rest, error)
            bad = error.index if isinstance(error, BadInput) else None
            self.blame(rest, error, inputs[bad] if bad is not None and 0 <= bad < len(inputs) else None)
        else:
            self.outcome.vectors.update(zip((part_id for part_id, _ in inputs), vectors, strict=True))

    def compare(self, inputs: Inputs, error: InferenceError) -> None:
        """Blame no input for an answer that did not come unless one of its kind and size comes. Raises RefusedAlone."""
        if len(inputs) > 1:
            return
        with meter.paying(self.teams[part_id] for part_id, _ in inputs):
            if not suspects.takes_as_much(self.client, [one for _, one in inputs]):
                raise suspects.RefusedAlone(error.message)

    def blame(self, inputs: Inputs, error: InferenceError, bad: tuple[int, EmbedInput] | None) -> None:
        """Find out which input the error is about: the server says, or halves tell."""
        if len(inputs) == 1:
            self.outcome.errors[inputs[0][0]] = error
        elif self.calls >= MOST_CALLS:
            unproven = InferenceError(error.message, permanent=False)
            self.outcome.errors.update({part_id: unproven for part_id, _ in inputs})
        elif bad is not None:
            self.outcome.errors[bad[0]] = error
            self.embed([one for one in inputs if one is not bad])
        else:
            half = len(inputs) // 2
            self.embed(inputs[:half])
            self.embed(inputs[half:])


def _settled(caught: InferenceError, client: Client) -> InferenceError:
    """The error, once it is known whether an input is to blame, or the server, or the settings."""
    if isinstance(caught, NotOffered):
        return WrongEmbedder(caught.message)
    if isinstance(caught, TooSlow):
        return provider.settled(caught, client)
    if isinstance(caught, Unreachable) and caught.broke:
        settled = provider.settled(caught, client)
        return settled if settled is not caught else InferenceError(caught.message)
    return caught


def embed(space: Space, client: Client, wanted: Sequence[Pending]) -> Outcome:
    """Embed parts, some at a time. An error that is nobody's fault ends it early and is told as `stopped`.

    It asks no database, so that several may be on their way in threads.
    """
    outcome = Outcome()
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        teams = {one.part_id: one.part.item.team_id for one in some}
        try:
            _Chunk(client, outcome, teams).embed(_inputs(space, some, outcome))
        except InferenceError as error:
            outcome.stopped = error
            break
    return outcome


def left(space: Space, wanted: Sequence[Pending], outcome: Outcome) -> list[EmbedInput]:
    """What was on its way when it was stopped."""
    come_to = outcome.vectors.keys() | outcome.errors.keys()
    rest = [one for one in wanted if one.part_id not in come_to][:AT_ONCE]
    return [one for _, one in _inputs(space, rest, outcome)]


def _inputs(space: Space, wanted: Sequence[Pending], outcome: Outcome) -> list[tuple[int, EmbedInput]]:
    inputs = []
    for one in wanted:
        try:
            inputs.append((one.part_id, input_of(space, one.part)))
        except FileNotFoundError:
            outcome.errors[one.part_id] = BadInput(NO_FILE)
    return inputs
