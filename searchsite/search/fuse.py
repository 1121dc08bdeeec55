"""Makes one list of several: a hit counts by its rank in each channel, never by unlike similarities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from searchsite.search.vectors import Near

# Reciprocal rank fusion (Cormack 2009): the larger, the less a first place counts over a tenth.
SMOOTHING = 60


@dataclass(frozen=True)
class Why:
    """A channel that found an item: image, text or words; at which rank, and how near, where that is known."""

    channel: str
    rank: int
    similarity: float | None


@dataclass(frozen=True)
class Fused:
    """An item with what it scored, its best part, and why."""

    item_id: int
    part_id: int | None
    created_at: datetime
    score: float
    why: tuple[Why, ...]


def fuse(channels: Mapping[str, Iterable[Near]]) -> list[Fused]:
    """One list of items, best first. In each channel an item stands where its best part does."""
    found: dict[int, list[tuple[Why, Near]]] = {}
    for channel, ranked in channels.items():
        for rank, near in enumerate(_once_per_item(ranked), start=1):
            found.setdefault(near.item_id, []).append((Why(channel, rank, near.similarity), near))
    return sorted(map(_fused, found.values()), key=lambda one: (-one.score, -one.item_id))


def _fused(places: list[tuple[Why, Near]]) -> Fused:
    ranked = sorted(places, key=lambda place: place[0].rank)
    first = ranked[0][1]
    part_id = next((near.part_id for _, near in ranked if near.part_id is not None), None)
    score = sum(1.0 / (SMOOTHING + why.rank) for why, _ in ranked)
    return Fused(first.item_id, part_id, first.created_at, score, tuple(why for why, _ in ranked))


def _once_per_item(ranked: Iterable[Near]) -> Iterable[Near]:
    seen: set[int] = set()
    for near in ranked:
        if near.item_id not in seen:
            seen.add(near.item_id)
            yield near
