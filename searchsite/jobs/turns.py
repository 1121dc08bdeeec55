"""Whose turn it is when jobs are handed out. Each process keeps its own count: together they are as fair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from searchsite.jobs.models import Lane

# Every eighth claim begins with a later lane: these move on, however many people wait.
LATER = {7: Lane.NORMAL, 15: Lane.BULK}
ROUND = 16


class Claimed(Protocol):
    """A job that was handed out."""

    @property
    def team_id(self) -> int: ...


@dataclass
class _Turn:
    """Where a queue's round of teams stands."""

    claims: int = 0
    after: int = 0


_turns: dict[str, _Turn] = {}


def next_of(queue: str) -> tuple[int, int]:
    """The team that was served last, and the lane to begin with."""
    turn = _turns.setdefault(queue, _Turn())
    return turn.after, LATER.get(turn.claims % ROUND, Lane.WAITING)


def served(queue: str, claims: Sequence[Claimed]) -> None:
    """Note who had a turn, in their order."""
    if claims:
        turn = _turns.setdefault(queue, _Turn())
        turn.after = claims[-1].team_id
        turn.claims += 1


def forget() -> None:
    """Begin anew, as after a start."""
    _turns.clear()
