"""What can go wrong with inference. Each error says whether trying again can help, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class InferenceError(Exception):
    """Root of the tree. The message is one sentence, fit to be shown.

    permanent: the same call would fail again. retry_after: seconds to wait, where the server said so.
    shared: every input would fail in the same way now, so that no input is to blame (give the attempt back).
    made: vectors that `Client.embed` had by then, by the place of their input: they are paid for.
    unsent: no call went out; the server has not said this now.
    answered: something does answer there, but nothing well, not even what is short.
    usage: what an answer that could not be used says of its cost, as it stands there: it may have to be paid.
    """

    permanent = False
    shared = False
    unsent = False
    answered = False
    usage: object = None
    made: Mapping[int, Any] = {}

    def __init__(self, message: str, *, permanent: bool | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        if permanent is not None:
            self.permanent = permanent

    def reword(self, message: str) -> None:
        """Say the same in other words, such as with the server's name."""
        self.message = message
        self.args = (message,)


class Unreachable(InferenceError):
    """No connection, a connection that broke, or a gateway that says so.

    broke: the call had gone out, so that its input may be what the server cannot bear.
    """

    shared = True
    broke = False


class TooSlow(InferenceError):
    """The answer was not complete at the deadline: a server that hangs, or an input that takes for ever."""


class Overloaded(InferenceError):
    """The server asks to come back later (429, 503 and the like)."""

    shared = True


class Busy(Overloaded):
    """Too many calls of our own are under way; this tells nothing of the server."""


class ServerFailed(InferenceError):
    """The server failed on this call (500)."""


class Unauthorised(InferenceError):
    """The key is missing, wrong or not paid for; nothing helps until an operator changes it."""

    shared = True


class Refused(InferenceError):
    """The server understood the call and will not do it."""

    permanent = True


class BadInput(Refused):
    """One input cannot be used. `index` is its place among the inputs, where known."""

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class BadAnswer(InferenceError):
    """The server answered, but not with what was asked for; nothing of the answer was used."""


class OutOfBudget(InferenceError):
    """The meter does not let the call go out: a budget is spent."""

    shared = True


class NotOffered(Refused):
    """The server does not have what was asked for, whatever the input; the message names what it has, where known."""


class Declined(Refused):
    """The network would not answer: a refusal, a filter, or a loop that never came to an end."""


class GivenUp(InferenceError):
    """Nobody wants the answer any more, so the call was broken off from here; this tells nothing of the server."""
