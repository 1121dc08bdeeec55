"""Whether something that is sent is read fast enough, so that who reads slowly does not keep others waiting."""

from __future__ import annotations

WINDOW = 60.0
LEAST_RATE = 64 * 1024


class Pace:
    """Bytes taken, in windows of a minute. Moments are given, in seconds of one clock."""

    def __init__(self, begun: float, deadline: float) -> None:
        self._since = self._last = begun
        self._deadline = deadline
        self._taken = 0

    def count(self, taken: int, now: float) -> None:
        """Add what was taken just now."""
        if now - self._since >= WINDOW:
            self._since, self._taken = now, 0
        self._taken += taken
        self._last = now

    def is_over(self, now: float) -> bool:
        """Whether nothing was taken for a minute, or less than 64 KiB/s over one, or the deadline has passed."""
        passed = now - self._since
        slow = passed >= WINDOW and self._taken < LEAST_RATE * passed
        return slow or now - self._last >= WINDOW or now >= self._deadline
