"""Calls to one server: through its gate, a few at a time, and once more where that can help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from searchsite.inference.breaker import Ajar, Gate
from searchsite.inference.dialects import by_name
from searchsite.inference.dialects.base import Request
from searchsite.inference.errors import (
    BadAnswer,
    BadInput,
    Busy,
    InferenceError,
    NotOffered,
    Overloaded,
    Refused,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)
from searchsite.inference.slots import AT_ONCE, Slots
from searchsite.inference.stages import Endpoint
from searchsite.inference.transport import Events, Transport

Answer = TypeVar("Answer")
Given = TypeVar("Given")
PROOF_SECONDS, QUERY_PROOF_SECONDS = 10.0, 3.0
FAIR_SECONDS = 10.0
"""A call with less time than this says nothing of a server that did not make it."""
DOUBT = 4
"""After so many failures in a row a server is not believed to be well any more, though it just was."""
WELL_SECONDS = 10.0
"""How long it is believed to be well after something short was answered. Its refusals are believed less."""
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
    """A request, how its answer is read, and how long that may be. otherwise: what is sent where this is refused."""

    request: Request
    parse: Callable[[Any], Answer]
    most: int
    otherwise: Exchange[Answer] | None = None


class Line:
    """What one endpoint is called through. Thread-safe."""

    def __init__(self, endpoint: Endpoint, *, gate: Gate, slots: Slots) -> None:
        self.endpoint = endpoint
        self.dialect = by_name(endpoint.dialect, pinned=endpoint.pinned)
        self._gate = Ajar() if endpoint.is_local else gate
        self._slots = slots
        self._transport = Transport(endpoint, self.dialect, connections=AT_ONCE)
        self._failed_at = 0.0
        self._well_at = -WELL_SECONDS
        """When the last short call was sent that settled whose fault a failure was, and was answered."""

    def ask(
        self,
        exchange: Exchange[Answer],
        *,
        end: float,
        patience: Patience = ONCE,
        proof: Exchange[Any] | None = None,
    ) -> Answer:
        """The answer, before `end` (monotonic time). proof: a short call that shows whether the server is well."""
        attempt = _Attempt(lambda: self._exchanged(exchange, end), end, patience, proof)
        return self._patiently(attempt, lambda: self._slots.call(end, self.endpoint.name))

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

    def _patiently(
        self, attempt: _Attempt[Given], turn: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> Given:
        for number in range(1, attempt.patience.tries + 1):
            # Whoever is kept out is told so at once, and does not wait for a turn to hear it.
            self._gate.look(self.endpoint.host)
            try:
                with turn():
                    # Asked again: while this one waited for its turn, another may have been told to stay away.
                    return self._once(attempt, self._gate.enter(self.endpoint.host))
            except InferenceError as error:
                wait = _wait(error, number)
                if error.unsent or number == attempt.patience.tries or not can_pass(error) or wait > LONGEST_WAIT:
                    raise
                if wait > attempt.left:
                    raise
                time.sleep(wait)
        raise AssertionError("a call is tried at least once")

    def _once(self, attempt: _Attempt[Given], probing: bool) -> Given:
        start = time.monotonic()
        if probing and attempt.proof is not None:
            self._probe(attempt, attempt.proof)
        try:
            given = attempt.call()
        except InferenceError as error:
            found = error
            if _tells_of_the_server(error, attempt.end - start):
                found = self._judged(error, attempt)
            elif isinstance(error, Refused | BadAnswer):
                found = self._doubted(error, attempt, start, probing)
            if found is error:
                raise
            raise found from error
        if probing or start > self._failed_at:
            # What was sent before the last failure tells nothing of the time after it.
            self._gate.passed(self.endpoint.host, probe=probing)
        return given

    def _judged(self, error: InferenceError, attempt: _Attempt[Any]) -> InferenceError:
        """Whose fault it is: an input's while the server still answers something short, else nobody's."""
        # Before it is counted: this failure may be the last that was missing for the gate to shut.
        kept_out = self._kept_out()
        failures = self._gate.failed(self.endpoint.host, error)
        self._failed_at = now = time.monotonic()
        believed = now < self._well_at + WELL_SECONDS and failures < DOUBT
        if error.shared or believed or attempt.proof is None or attempt.patience is not ONCE:
            return error
        # A gate that keeps no count says 0.
        if failures in (0, 1, DOUBT):
            return error if attempt.left < 1 else kept_out or self._settled(error, attempt, attempt.proof)
        return error if isinstance(error, TooSlow) else _nobodys(error)

    def _doubted(self, error: InferenceError, attempt: _Attempt[Any], since: float, probing: bool) -> InferenceError:
        """The same of an answer: some servers that are away say so with a page, or refuse whatever they are asked.

        An input may end by what is found here, so what was found out before it was sent does not count.
        """
        if isinstance(error, NotOffered) or (isinstance(error, BadInput) and error.index is not None):
            self._gate.passed(self.endpoint.host, probe=probing)
            return error
        if attempt.proof is None or attempt.patience is not ONCE or since < self._well_at:
            return error
        kept_out = self._kept_out() if attempt.left >= 1 else _nobodys(error)
        if kept_out is None:
            return self._settled(error, attempt, attempt.proof)
        kept_out.usage = error.usage
        return kept_out

    def _kept_out(self) -> InferenceError | None:
        """What the gate says to whoever comes now, if it lets nobody in: nothing is sent then, short or not."""
        try:
            self._gate.look(self.endpoint.host)
        except InferenceError as error:
            return error
        return None

    def _settled(self, error: InferenceError, attempt: _Attempt[Any], proof: Exchange[Any]) -> InferenceError:
        """The error, if the server answers something short now; or else what keeps it from that, which is shared."""
        sent = time.monotonic()
        try:
            self._prove(attempt, proof)
        except InferenceError as worse:
            found = self._away(worse)
            found.usage = error.usage
            return found
        self._well_at = sent
        return error

    def _probe(self, attempt: _Attempt[Any], proof: Exchange[Any]) -> None:
        """Find out whether the server is back, before the call that is to find out goes there."""
        try:
            self._prove(attempt, proof)
        except Refused:
            pass  # some do not chat of nothing: the call itself shows it
        except InferenceError as error:
            raise self._away(error) from error

    def _prove(self, attempt: _Attempt[Any], proof: Exchange[Any]) -> None:
        end = min(attempt.end, time.monotonic() + attempt.patience.proof_seconds)
        try:
            self._exchanged(proof, end)
        except Refused:
            if proof.otherwise is None:
                raise
            self._exchanged(proof.otherwise, end)
        self._gate.passed(self.endpoint.host, probe=True)

    def _away(self, error: InferenceError) -> InferenceError:
        """Tell the gate that not even something short was answered well; what is raised for it."""
        if not isinstance(error, Busy):
            self._gate.failed(self.endpoint.host, error)
            self._failed_at = time.monotonic()
        return error if error.shared else _nobodys(error)


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


def _nobodys(error: InferenceError) -> Unreachable:
    """The same error, held against the server."""
    away = Unreachable(error.message, retry_after=error.retry_after)
    away.usage, away.answered = error.usage, isinstance(error, Refused | BadAnswer)
    return away


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
