"""Server-sent events of an answer, for whoever streams one."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from typing import Any

from searchsite.answers import asking
from searchsite.answers.answering import Answering

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""A proxy must neither keep it nor wait for its end."""
PING = b":\n\n"
"""A comment. Writing it is how a server learns that nobody reads any more."""
SHOWN_EVERY = 0.05


class Stream:
    """The body of a response, closed with it: a reader who goes away ends the answer."""

    def __init__(self, answering: Answering, events: Generator[bytes]) -> None:
        self._answering = answering
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """End the call to the network, if it still goes on."""
        self._events.close()
        self._answering.close()


def event(name: str, **data: Any) -> bytes:
    """One event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def steps(answering: Answering) -> Iterator[None]:
    """Follow the answer, at most some twenty times a second: its pieces are single words."""
    last = 0.0
    for _step in asking.follow(answering):
        if not answering.is_running or time.monotonic() - last >= SHOWN_EVERY:
            last = time.monotonic()
            yield
