"""Whose turn it is when jobs are handed out. Each process keeps its own count: together they are as fair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from searchsite.jobs.models import Lane

# Every eighth claim begins with a later lane: these move on, however many people wait.
LATER = {7: Lane.NORMAL, 15: Lane.BULK}
ROUND = 16


class Claimed(Protocol):
    """A job that was handed out."""

    @property
    def lane(self) -> int: ...

    @property
    def team_id(self) -> int: ...

    @property
    def space_id(self) -> int | None: ...


@dataclass
class _Turn:
    """Where a queue's rounds of teams stand. Each lane has its own: a busy one must not move that of another."""

    claims: int = 0
    abandoned: bool = False
    """Whether the last that was handed out was an abandoned job."""
    after: dict[int, tuple[int, int]] = field(default_factory=dict)


_turns: dict[str, _Turn] = {}


def next_of(queue: str) -> tuple[Mapping[int, tuple[int, int]], int]:
    """The team and space that each lane served last, and the lane to begin with."""
    turn = _turns.setdefault(queue, _Turn())
    return turn.after, LATER.get(turn.claims % ROUND, Lane.WAITING)


def abandoned_last(queue: str) -> bool:
    """Whether the last that was handed out was an abandoned job."""
    return _turns.setdefault(queue, _Turn()).abandoned


def served(queue: str, claims: Sequence[Claimed], *, abandoned: bool = False) -> None:
    """Note who had a turn, in their order."""
    turn = _turns.setdefault(queue, _Turn())
    turn.abandoned = abandoned
    if claims and not abandoned:
        turn.after |= {one.lane: (one.team_id, one.space_id or 0) for one in claims}
        turn.claims += 1


def forget() -> None:
    """Begin anew, as after a start."""
    _turns.clear()
