"""Finds out whether a provider refuses some inputs and takes others: it is asked something short right before."""

from __future__ import annotations

from collections.abc import Sequence

from searchsite.inference import plainly
from searchsite.inference.errors import (
    Busy,
    InferenceError,
    NotOffered,
    OutOfBudget,
    Overloaded,
    ServerFailed,
    TooSlow,
    Unreachable,
)
from searchsite.jobs import refusing
from searchsite.jobs.queue import ALONE_AFTER, Claim

SOON_SECONDS = 10.0
# What a provider asks to be left alone for because of one input costs the others a tenth of the time at most.
SHARE = 10


class RefusedAlone(InferenceError):
    """The provider refused this, and had just answered something short."""

    shared = True


class NotThere(InferenceError):
    """The server does not have the network: a fault of the settings, and of no input."""

    shared = True


def absence(error: InferenceError) -> InferenceError | None:
    """What the failure of the short call says of the provider, and of no input; None: it is there all the same."""
    if isinstance(error, NotOffered):
        return NotThere(error.message)
    if isinstance(error, TooSlow | ServerFailed):
        return Unreachable(error.message, retry_after=error.retry_after)
    return error if error.shared else None


def told_apart(error: InferenceError) -> InferenceError:
    """The error of a call that followed a short one that was answered."""
    if not error.shared or error.unsent or isinstance(error, Busy | OutOfBudget):
        return error
    return RefusedAlone(error.message, retry_after=error.retry_after)


def give_back(claims: Sequence[Claim], error: RefusedAlone) -> None:
    """Have these wait, and no others: soon again together, until each is tried alone, and then seldom."""
    asked = error.retry_after or 0.0
    alone = len(claims) == 1 and claims[0].refusals >= ALONE_AFTER
    delay = max(refusing.SPACED_SECONDS, SHARE * asked) if alone else SOON_SECONDS + asked
    refusing.refuse(claims, plainly.told(Overloaded(error.message)), delay=delay, proven=True)
