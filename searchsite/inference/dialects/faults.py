"""What an error that a server sends means: a status, a code or a word becomes a typed error."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

from searchsite.inference.errors import (
    BadAnswer,
    BadInput,
    InferenceError,
    NotOffered,
    Overloaded,
    Refused,
    ServerFailed,
    TooSlow,
    Unauthorised,
    Unreachable,
)

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 600.0
QUOTED = 200
COME_BACK = {408, 409, 425, 429, 503, 529}
KEY_TROUBLE = {401, 402, 403}
BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504
UNREACHABLE = {BAD_GATEWAY, 520, 521, 522, 523, 525, 526}
TOO_SLOW = {GATEWAY_TIMEOUT, 524}
NOT_THERE = {404, 405, 410}
"""The network or the address is gone, whatever the input."""


def error_for(status: int, message: str, *, wait: float | None = None, place: int | None = None) -> InferenceError:
    """The typed error for a status. place: which input is to blame, where the server said so."""
    if status in COME_BACK:
        return Overloaded(message, retry_after=wait)
    if status in KEY_TROUBLE:
        return Unauthorised(message, retry_after=wait)
    if status in UNREACHABLE:
        return Unreachable(message, retry_after=wait)
    if status in TOO_SLOW:
        return TooSlow(message, retry_after=wait)
    if status >= 500:
        return ServerFailed(message, retry_after=wait)
    if status < 400:
        return BadAnswer(message, retry_after=wait)
    if status in NOT_THERE:
        return NotOffered(message)
    return Refused(message) if place is None else BadInput(message, index=place)


def quoted(said: Any) -> str:
    """The beginning of what a server said, in one line, fit for a message."""
    text = "".join(char if char.isprintable() else " " for char in str(said)[: 4 * QUOTED])
    return " ".join(text.split())[:QUOTED]


def code_in(value: Any) -> int | None:
    """A status written as a number, or as the digits of one."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:4])
    return value if type(value) is int and 100 <= value <= 599 else None


def wait_in(header: Any) -> float | None:
    """`Retry-After` in seconds, from a number or a date, within bounds; None where it says nothing."""
    if header is None or isinstance(header, bool):
        return None
    try:
        seconds = float(header)
    except OverflowError:
        return LONGEST_WAIT
    except (TypeError, ValueError):
        try:
            seconds = parsedate_to_datetime(str(header)).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if seconds != seconds else min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
