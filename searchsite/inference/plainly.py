"""What people are told who wait for a network: a few words, while operators see hosts and the servers' own words."""

from __future__ import annotations

from collections.abc import Sequence

from searchsite.inference.errors import BadAnswer, InferenceError, Overloaded, ServerFailed, Unauthorised, Unreachable

KEY = "refuses the key, or it is not paid for"
SAID: Sequence[tuple[type[InferenceError], str]] = (
    (Unauthorised, KEY),
    (Overloaded, "asks to be left alone for a while"),
    (Unreachable, "can't be reached"),
    # Those of an outage: what is an input's own fault does not wait.
    (ServerFailed, "can't be reached"),
    (BadAnswer, "can't be reached"),
)


def told(error: InferenceError) -> str:
    """Why something waits."""
    said = next((words for kind, words in SAID if type(error) is kind), None)
    return error.message if said is None else f"The provider {said}."
