"""Leaves a server alone that fails, or that asked to be left alone, and finds out when it is well again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

from searchsite.inference import plainly
from searchsite.inference.errors import InferenceError, Overloaded, Unauthorised, Unreachable

Result = TypeVar("Result")
Kind = Literal["down", "busy", "key"]
"""Why a server is left alone: it fails, it asked for it, or it does not accept the key."""
LONGEST_WAIT = 600.0
MOST_REASON = 200
SOON = 3
"""After so many refusals in a row that named no time, a provider is left alone for a second, then two."""


class Gate(Protocol):
    """Stands before every call to a provider, which is a host with its port. Asked from many threads."""

    def enter(self, provider: str) -> bool:
        """Let a call through, or raise an error that tells when to come back.

        True: the caller is the one that finds out whether the provider is well again, by something short.
        """

    def look(self, provider: str) -> None:
        """Raise as `enter` does where a call would be kept out. Whoever looks is not the one that finds out."""

    def passed(self, provider: str, *, probe: bool = False) -> None:
        """The provider answered a call; with `probe`, the one that was to find out."""

    def failed(self, provider: str, error: InferenceError) -> int:
        """The provider failed; returns how often by now in a row."""


@dataclass(frozen=True)
class Pace:
    """After how many failures in a row a provider is left alone, and how often it is tried then."""

    failures: int = 5
    probe_seconds: float = 15.0


@dataclass(frozen=True)
class State:
    """How a provider fares: failures in a row, until when it is left alone, since when it fails, and why."""

    failures: int = 0
    until: float = 0.0
    since: float = 0.0
    kind: Kind = "down"
    reason: str = ""


WELL = State()
Change = Callable[[State, float], tuple[State, Result]]
"""What becomes of a provider's state at a time, and what else there is to say."""


def after_failure(state: State, error: InferenceError, now: float, pace: Pace) -> State:
    """What is known of a provider after one more failure."""
    fresh = replace(state, failures=state.failures + 1, since=state.since or now, reason=error.message[:MOST_REASON])
    if isinstance(error, Unauthorised) and error.retry_after is None:
        return replace(fresh, failures=max(fresh.failures, pace.failures), until=now + pace.probe_seconds, kind="key")
    if error.retry_after is not None:
        asked = now + min(error.retry_after, LONGEST_WAIT)
        return replace(fresh, until=max(state.until, asked), kind="busy")
    if fresh.failures >= pace.failures:
        return replace(fresh, until=max(state.until, now + pace.probe_seconds), kind="down")
    if isinstance(error, Overloaded) and fresh.failures >= SOON:
        soon = min(2.0 ** (fresh.failures - SOON), pace.probe_seconds)
        return replace(fresh, until=max(state.until, now + soon), kind="busy")
    return fresh


def failing(error: InferenceError, pace: Pace) -> Change[int]:
    """One more failure, as a change of a provider's state; it gives how often it failed by now in a row."""

    def fail(state: State, now: float) -> tuple[State, int]:
        fresh = after_failure(state, error, now, pace)
        return fresh, fresh.failures

    return fail


def after_pass(state: State, now: float, *, probe: bool) -> State:
    """What is known of a provider that answered. What it asked for stands, unless it was asked after that."""
    if state.kind == "busy" and state.until > now and not probe:
        return State(until=state.until, since=state.since, kind="busy", reason=state.reason)
    return WELL


def entering(state: State, provider: str, now: float, pace: Pace) -> tuple[State, bool]:
    """Let one more call through, or raise. Whoever is to probe keeps the others out for as long as it may take."""
    if state.until > now:
        raise _shut(state, provider, state.until - now)
    if state.failures < pace.failures:
        return state, False
    return replace(state, until=now + pace.probe_seconds), True


def _shut(state: State, provider: str, left: float) -> InferenceError:
    # Spread: whoever waits must not come back all at once.
    wait = left + random.uniform(0, min(1.0, left / 10))
    kind = {"key": Unauthorised, "busy": Overloaded, "down": Unreachable}[state.kind]
    reason = state.reason.removeprefix(f"{provider}: ")
    why = f": {reason}" if reason else ""
    said = plainly.KEY if state.kind == "key" else f"is left alone for {max(left, 1):.0f} s"
    error = kind(f"{provider} {said}{why}", retry_after=wait)
    error.unsent = True
    return error


class Breaker:
    """The gate of one process."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    def enter(self, provider: str) -> bool:
        if provider not in self._states:
            return False
        return self._change(provider, lambda state, now: entering(state, provider, now, self._pace))

    def look(self, provider: str) -> None:
        entering(self._states.get(provider, WELL), provider, time.monotonic(), self._pace)

    def passed(self, provider: str, *, probe: bool = False) -> None:
        if provider in self._states:
            self._change(provider, lambda state, now: (after_pass(state, now, probe=probe), None))

    def failed(self, provider: str, error: InferenceError) -> int:
        return self._change(provider, failing(error, self._pace))

    def _change(self, provider: str, change: Change[Result]) -> Result:
        with self._lock:
            state, result = change(self._states.get(provider, WELL), time.monotonic())
            if state == WELL:
                self._states.pop(provider, None)
            else:
                self._states[provider] = state
            return result


class Ajar:
    """The gate of a server that needs none: the embedded one costs nothing, and its keeper restarts it."""

    def enter(self, provider: str) -> bool:
        return False

    def look(self, provider: str) -> None:
        """Nobody is kept out."""

    def passed(self, provider: str, *, probe: bool = False) -> None:
        """Nothing is kept."""

    def failed(self, provider: str, error: InferenceError) -> int:
        return 0
