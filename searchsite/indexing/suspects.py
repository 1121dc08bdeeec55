"""Finds out whether a provider refuses some inputs and takes others.

It is asked something short right before: if that is refused, too, no input is to blame. A provider that limits how much
it takes in a minute answers what is short all the same, so an input that is refused, or never answered, is blamed only
if something harmless of the same size is taken right after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from searchsite.inference import plainly, standins
from searchsite.inference.client import Client
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
from searchsite.inference.resizing import NoPicture
from searchsite.inference.types import EmbedInput
from searchsite.jobs import refusing
from searchsite.jobs.queue import ALONE_AFTER, Claim

SOON_SECONDS = 10.0
# What a provider asks to be left alone for because of one input costs the others a tenth of the time at most.
SHARE = 10
# What it asks for is waited for as long as this before it is asked something of the same size.
PATIENCE_SECONDS = 5.0


class RefusedAlone(InferenceError):
    """The provider refused this, and had just answered something short.

    compared: right after, it took something of the same size.
    """

    shared = True
    compared = False


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
    if not error.shared or error.unsent or isinstance(error, Busy | OutOfBudget | RefusedAlone):
        return error
    return RefusedAlone(error.message, retry_after=error.retry_after)


def is_alone(claims: Sequence[Claim]) -> bool:
    """Whether this is a single job that has been refused so often that it keeps no other company."""
    return len(claims) == 1 and claims[0].refusals >= ALONE_AFTER


def takes_as_much(client: Client, inputs: Sequence[EmbedInput]) -> bool:
    """Whether the embedder takes something harmless of the same size now."""

    def ask() -> None:
        client.embed([standins.of_input(one) for one in inputs], purpose="document")

    return answered(ask)


def answered(ask: Callable[[], object]) -> bool:
    """Whether the call is answered, if need be after the short while that the provider has just asked for."""
    for last in (False, True):
        try:
            ask()
            return True
        except NoPicture:
            return False
        except InferenceError as error:
            if last or not error.unsent or error.retry_after is None or error.retry_after > PATIENCE_SECONDS:
                return False
            time.sleep(error.retry_after)
    return False


def give_back(claims: Sequence[Claim], error: RefusedAlone) -> None:
    """Have these wait, and no others: soon again together, until each is tried alone, and then seldom."""
    asked = error.retry_after or 0.0
    alone = is_alone(claims)
    delay = max(refusing.SPACED_SECONDS, SHARE * asked) if alone else SOON_SECONDS + asked
    refusing.refuse(claims, plainly.told(Overloaded(error.message)), delay=delay, proven=error.compared or not alone)
