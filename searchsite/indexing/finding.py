"""How the nearest vectors of a space are found now, channel by channel, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from searchsite.indexing import centres, indexes, tables
from searchsite.indexing.indexes import Build
from searchsite.indexing.models import Space
from searchsite.library.models import Channel

State = Literal["exact", "codes", "graph", "wanted", "building"]


@dataclass(frozen=True)
class Finding:
    """One channel. `vectors` is about how many; `recall`, the share of the true ten nearest that was found last."""

    channel: str
    state: State
    vectors: int
    recall: float | None
    questions: int
    measured_at: datetime | None
    build: Build | None = None

    @property
    def recall_percent(self) -> float | None:
        """The recall as people write it."""
        return None if self.recall is None else 100 * self.recall


def findings(space: Space) -> list[Finding]:
    """What is known of each channel that has vectors; some catalogue lookups."""
    running = indexes.builds(space)
    found = []
    for channel in Channel.values:
        # Of a table that was never analysed Postgres knows little.
        counted = tables.count_up_to(space.pk, channel, centres.LEARN_AT)
        if counted:
            number = max(indexes.estimated(space, channel), counted) if counted == centres.LEARN_AT else counted
            found.append(_finding(space, channel, number, running[0] if running else None))
    return found


def _finding(space: Space, channel: str, number: int, build: Build | None) -> Finding:
    noted: Mapping[str, Any] = space.recall.get(channel, {})
    state = _state(space, channel, number, build)
    return Finding(
        channel,
        state,
        number,
        noted.get("recall"),
        noted.get("questions", 0),
        datetime.fromtimestamp(noted["at"], UTC) if noted else None,
        build if state == "building" else None,
    )


def _state(space: Space, channel: str, number: int, build: Build | None) -> State:
    if indexes.is_ready(space, channel):
        return "graph"
    if number >= indexes.GRAPH_FROM:
        return "wanted" if build is None else "building"
    return "exact" if centres.centre_of(space, channel) is None else "codes"
