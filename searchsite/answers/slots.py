"""How many answers one process writes at a time: each holds a thread for as long as it takes."""

from __future__ import annotations

import threading
import time

from django.utils.translation import gettext as _

from searchsite.library.refusals import Refusal

HAND_OVER_SECONDS = 2.0
"""How long somebody's new question waits for their old one to let go."""
RETRY_SECONDS = 5
LONGEST_SECONDS = 300.0
"""No answer takes so long: whoever holds a slot for longer went without giving it back."""


class TooMany(Refusal):
    """No answer can be begun now. `retry_after`: seconds to wait."""

    retry_after = RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__(
            _("As many questions as this server takes at a time are being answered. Try again in a moment."),
            code="too-many-answers",
            status=503,
        )


class Slot:
    """The right to write one answer. `revoked` is set when the same person asks something else."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.revoked = threading.Event()
        self.since = time.monotonic()

    def free(self) -> None:
        """Give it back; doing so again does no harm."""
        with _changed:
            if _held.get(self.user_id) is self:
                del _held[self.user_id]
            _changed.notify_all()


_held: dict[int, Slot] = {}
_changed = threading.Condition()


def take(user_id: int, *, most: int) -> Slot:
    """Take one of `most` slots; the person's own answer that still runs is stopped for it. Raises TooMany."""
    end = time.monotonic() + HAND_OVER_SECONDS
    with _changed:
        for lost in [one for one in _held.values() if time.monotonic() - one.since > LONGEST_SECONDS]:
            del _held[lost.user_id]
        own = _held.get(user_id)
        while own is not None and time.monotonic() < end:
            own.revoked.set()
            _changed.wait(end - time.monotonic())
            own = _held.get(user_id)
        if own is not None or len(_held) >= most:
            raise TooMany
        slot = _held[user_id] = Slot(user_id)
        return slot
