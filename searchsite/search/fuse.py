"""Makes one list of several: a hit counts by its rank in each channel, never by unlike similarities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from searchsite.search.vectors import Near

# Reciprocal rank fusion (Cormack 2009): the larger, the less a first place counts over a tenth.
SMOOTHING = 60


@dataclass(frozen=True)
class Why:
    """A channel that found an item: image, text or words; at which rank, and how near, where that is known."""

    channel: str
    rank: int
    similarity: float | None


class Fused(NamedTuple):
    """An item with what it scored, and where each channel had it: (rank, channel, part), best first."""

    item_id: int
    created_at: datetime
    score: float
    places: Sequence[tuple[int, str, Near]] = ()

    @property
    def part_id(self) -> int | None:
        """The part that ranked best; a title is none."""
        return next((near.part_id for _, _, near in self.places if near.part_id is not None), None)

    @property
    def why(self) -> tuple[Why, ...]:
        """The channels that found it, best rank first."""
        return tuple(Why(channel, rank, near.similarity) for rank, channel, near in self.places)


def fuse(channels: Mapping[str, Iterable[Near]]) -> list[Fused]:
    """One list of items, best first. In each channel an item stands where its best part does."""
    found: dict[int, list[tuple[int, str, Near]]] = {}
    for channel, ranked in channels.items():
        for rank, near in enumerate(_once_per_item(ranked), start=1):
            found.setdefault(near.item_id, []).append((rank, channel, near))
    fused = [_fused(item_id, places) for item_id, places in found.items()]
    return sorted(fused, key=lambda one: (-one.score, -one.item_id))


def _fused(item_id: int, places: list[tuple[int, str, Near]]) -> Fused:
    if len(places) > 1:
        places.sort(key=itemgetter(0))
    return Fused(item_id, places[0][2].created_at, sum([1.0 / (SMOOTHING + place[0]) for place in places]), places)


def _once_per_item(ranked: Iterable[Near]) -> Iterable[Near]:
    seen: set[int] = set()
    for near in ranked:
        if near.item_id not in seen:
            seen.add(near.item_id)
            yield near
