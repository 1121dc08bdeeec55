"""How much heavy work of one person runs at a time in this process; a little more waits for its turn."""

from __future__ import annotations

import threading
import time

from django.utils.translation import gettext as _

WAITING, PATIENCE_SECONDS = 4, 2.0
"""How many more of the same person wait, each in a thread of the server, and for how long."""


class TooMany(Exception):
    """So much of the same person is under way that this cannot wait. `str()` is a sentence."""

    retry_after = 2

    def __init__(self) -> None:
        super().__init__(_("Your other searches are still under way. Try again in a moment."))


class Turn:
    """The right to work. Free it, however the work ends; doing so again does no harm."""

    def __init__(self, who: str) -> None:
        self._who: str | None = who

    def free(self) -> None:
        """Give it to whoever waits."""
        with _changed:
            if self._who is not None:
                _add(_running, self._who, -1)
                self._who = None
                _changed.notify_all()


_running: dict[str, int] = {}
_waiting: dict[str, int] = {}
_changed = threading.Condition()


def take(who: str, *, most: int) -> Turn:
    """Take one of `most` turns of this person (0: as many as they like), after a short wait. Raises TooMany."""
    with _changed:
        if most and _running.get(who, 0) >= most:
            _wait(who, most)
        _add(_running, who, 1)
    return Turn(who)


def _wait(who: str, most: int) -> None:
    if _waiting.get(who, 0) >= WAITING:
        raise TooMany
    end = time.monotonic() + PATIENCE_SECONDS
    _add(_waiting, who, 1)
    try:
        while _running.get(who, 0) >= most:
            left = end - time.monotonic()
            if left <= 0:
                raise TooMany
            _changed.wait(left)
    finally:
        _add(_waiting, who, -1)


def _add(counts: dict[str, int], who: str, number: int) -> None:
    """What is 0 is forgotten: people come and go."""
    counts[who] = counts.get(who, 0) + number
    if not counts[who]:
        del counts[who]
