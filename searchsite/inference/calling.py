"""Calls to one server: through its gate, a few at a time, and once more where that can help."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from searchsite.inference.breaker import Ajar, Gate
from searchsite.inference.dialects import by_name
from searchsite.inference.dialects.base import Request
from searchsite.inference.errors import (
    BadAnswer,
    Busy,
    InferenceError,
    Overloaded,
    Refused,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.stages import Endpoint
from searchsite.inference.transport import Events, Transport

Answer = TypeVar("Answer")
Given = TypeVar("Given")
AT_ONCE = 16
"""Calls of one process to one provider at the same time; more of them wait."""
STREAMS = 12
"""Of these, answers that are streamed: a search must not wait for them."""
PROOF_SECONDS, QUERY_PROOF_SECONDS = 10.0, 3.0
FAIR_SECONDS = 10.0
"""A call with less time than this says nothing of a server that did not make it."""
DOUBT = 4
"""After so many failures in a row a server is not believed to be well any more, though it just was."""
WELL_SECONDS = 10.0
"""How long it is believed after something short was answered."""
FIRST_WAIT, LONGEST_WAIT = 0.25, 3.0


@dataclass(frozen=True)
class Patience:
    """How often a call is tried, and how long the short call that finds out about a server may take."""

    tries: int
    proof_seconds: float


PATIENT = Patience(3, QUERY_PROOF_SECONDS)
"""Where a person waits."""
ONCE = Patience(1, PROOF_SECONDS)
"""Where the job table tries again: twice in both places would cost four calls."""


@dataclass(frozen=True)
class Exchange(Generic[Answer]):
    """A request, how its answer is read, and how long that may be."""

    request: Request
    parse: Callable[[Any], Answer]
    most: int


class Slots:
    """How many calls to a provider are under way."""

    def __init__(self, at_once: int = AT_ONCE, streams: int = STREAMS) -> None:
        self._calls = threading.BoundedSemaphore(at_once)
        self._streams = threading.BoundedSemaphore(streams)

    @contextmanager
    def call(self, end: float, name: str) -> Iterator[None]:
        """One call; waits for its turn until the deadline."""
        with _taken(self._calls, end, name):
            yield

    @contextmanager
    def stream(self, end: float, name: str) -> Iterator[None]:
        """One streamed answer."""
        with _taken(self._streams, end, name), _taken(self._calls, end, name):
            yield


class Line:
    """What one endpoint is called through. Thread-safe."""

    def __init__(self, endpoint: Endpoint, *, gate: Gate, slots: Slots) -> None:
        self.endpoint = endpoint
        self.dialect = by_name(endpoint.dialect, pinned=endpoint.pinned)
        self._gate = Ajar() if endpoint.is_local else gate
        self._slots = slots
        self._transport = Transport(endpoint, self.dialect, connections=AT_ONCE)
        self._well_until = self._failed_at = 0.0

    def ask(
        self,
        exchange: Exchange[Answer],
        *,
        end: float,
        patience: Patience = ONCE,
        proof: Exchange[Any] | None = None,
    ) -> Answer:
        """The answer, before `end` (monotonic time). proof: a short call that shows whether the server is well."""

        def call() -> Answer:
            with self._slots.call(end, self.endpoint.name):
                return self._exchanged(exchange, end)

        return self._patiently(_Attempt(call, end, patience, proof))

    @contextmanager
    def stream(
        self, request: Request, *, end: float, most: int, proof: Exchange[Any] | None = None
    ) -> Iterator[Events]:
        """A streamed answer that has begun. Leaving the block hangs up."""
        with self._slots.stream(end, self.endpoint.name):
            begin = _Attempt(lambda: self._transport.stream(request, end=end, most=most), end, PATIENT, proof)
            with self._patiently(begin) as events:
                yield events

    def judge(self, error: InferenceError) -> None:
        """Count what broke a stream that had begun."""
        if _tells_of_the_server(error, FAIR_SECONDS):
            self._gate.failed(self.endpoint.host, error)

    def masked(self) -> AbstractContextManager[None]:
        """Take the key out of errors that quote what the server said."""
        return self._transport.masked()

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def _exchanged(self, exchange: Exchange[Answer], end: float) -> Answer:
        answer = self._transport.call(exchange.request, end=end, most=exchange.most)
        try:
            with self.masked():
                return exchange.parse(answer)
        except BadAnswer as error:
            error.usage = answer.get("usage") if isinstance(answer, dict) else None
            raise

    def _patiently(self, attempt: _Attempt[Given]) -> Given:
        for number in range(1, attempt.patience.tries + 1):
            # Whoever is kept out here is told so at once.
            probing = self._gate.enter(self.endpoint.host)
            try:
                return self._once(attempt, probing)
            except InferenceError as error:
                wait = _wait(error, number)
                if number == attempt.patience.tries or not can_pass(error) or wait > LONGEST_WAIT:
                    raise
                if wait > attempt.left:
                    raise
                time.sleep(wait)
        raise AssertionError("a call is tried at least once")

    def _once(self, attempt: _Attempt[Given], probing: bool) -> Given:
        host = self.endpoint.host
        start = time.monotonic()
        if probing and attempt.proof is not None:
            self._prove(attempt, attempt.proof)
        try:
            given = attempt.call()
        except InferenceError as error:
            if not _tells_of_the_server(error, attempt.end - start):
                if isinstance(error, Refused | BadAnswer):
                    self._gate.passed(host, probe=probing)
                raise
            raise self._judged(error, attempt) from error
        if probing or start > self._failed_at:
            # What was sent before the last failure tells nothing of the time after it.
            self._gate.passed(host, probe=probing)
        return given

    def _judged(self, error: InferenceError, attempt: _Attempt[Any]) -> InferenceError:
        """Whose fault it is: an input's while the server still answers something short, else nobody's."""
        failures = self._gate.failed(self.endpoint.host, error)
        self._failed_at = time.monotonic()
        believed = time.monotonic() < self._well_until and failures < DOUBT
        if error.shared or believed or attempt.proof is None or attempt.patience is not ONCE:
            return error
        if failures in (1, DOUBT):
            if attempt.left < 1:
                return error
            try:
                self._prove(attempt, attempt.proof)
            except InferenceError as worse:
                return worse if worse.shared else Unreachable(error.message, retry_after=worse.retry_after)
            self._well_until = time.monotonic() + WELL_SECONDS
            return error
        return error if isinstance(error, TooSlow) else Unreachable(error.message, retry_after=error.retry_after)

    def _prove(self, attempt: _Attempt[Any], proof: Exchange[Any]) -> None:
        """Ask something short, and tell the gate what came of it."""
        end = min(attempt.end, time.monotonic() + attempt.patience.proof_seconds)
        try:
            with self._slots.call(end, self.endpoint.name):
                self._exchanged(proof, end)
        except Refused:
            pass  # it answers, and that was the question
        except InferenceError as error:
            if _tells_of_the_server(error, FAIR_SECONDS):
                self._gate.failed(self.endpoint.host, error)
            raise error if error.shared else Unreachable(error.message, retry_after=error.retry_after) from error
        self._gate.passed(self.endpoint.host, probe=True)


def lines(endpoints: Iterable[Endpoint | None], gate: Gate) -> dict[Endpoint, Line]:
    """A line for each endpoint. Those of one provider share what may be under way there."""
    slots: dict[str, Slots] = {}
    return {
        endpoint: Line(endpoint, gate=gate, slots=slots.setdefault(endpoint.host, Slots()))
        for endpoint in endpoints
        if endpoint is not None
    }


@dataclass(frozen=True)
class _Attempt(Generic[Given]):
    """What is to be tried, until when, how often, and what is short and tells of the server."""

    call: Callable[[], Given]
    end: float
    patience: Patience
    proof: Exchange[Any] | None

    @property
    def left(self) -> float:
        return self.end - time.monotonic()


def can_pass(error: InferenceError) -> bool:
    """Whether the same call may succeed a little later. A key that is refused passes only where the server says so."""
    if isinstance(error, Unauthorised):
        return error.retry_after is not None
    return isinstance(error, Overloaded | Unreachable | ServerFailed | TooSlow)


def _tells_of_the_server(error: InferenceError, seconds: float) -> bool:
    """Whether an error speaks against the server, and not against the input or a deadline that was short."""
    if isinstance(error, TooSlow):
        return seconds >= FAIR_SECONDS
    return not isinstance(error, Busy) and isinstance(error, Overloaded | Unreachable | ServerFailed | Unauthorised)


def _wait(error: InferenceError, number: int) -> float:
    """Seconds before the next try: what the server said, or a random share of a span that doubles."""
    if error.retry_after is not None:
        return error.retry_after + random.uniform(0.05, FIRST_WAIT)
    return random.uniform(0, FIRST_WAIT * 2**number)


@contextmanager
def _taken(slots: threading.BoundedSemaphore, end: float, name: str) -> Iterator[None]:
    if not slots.acquire(timeout=max(end - time.monotonic(), 0)):
        raise Busy(f"too many calls to {name} are under way")
    try:
        yield
    finally:
        slots.release()
