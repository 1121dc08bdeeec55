"""Makes one list of several: a hit counts by its rank in each channel, and by how far it stands out there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import NamedTuple

from searchsite.library.models import Channel
from searchsite.search.vectors import Near

# Reciprocal rank fusion (Cormack 2009): the larger, the less a first place counts over a tenth. The usual 60 lets two
# middling places beat a first one, which hides notes in a library of a few hundred items.
SMOOTHING = 20
# What a place counts that is no more alike than the rest of its channel: listed still, but outvoting nobody.
NOISE = 0.005
# A place counts in full from here on, on the way from its channel's background to being the same; before, by the
# square of how far it has come: what hardly stands out has little say against words.
STANDS_OUT = 0.5
# What the words of a question count beside a vector that is sure: they stand in many places, and the right answer to a
# question in sentences often says it in others.
WORDS_WEIGHT = 0.4
# Nothing less alike than this is alike, and a channel of fewer tells little about its background.
LEAST_ALIKE, FEWEST = 0.1, 20
# A picture's tags are mostly guesses of the network that made its vector: as words, or as a vector of their own, they
# would vote twice, and against pictures without any. Where pictures have no vectors, nothing votes twice.
GUESSED_SHARE = 0.2
UNWEIGHTED: Mapping[str, float] = {}


@dataclass(frozen=True)
class Why:
    """A channel that found an item: image, text or words; at which rank, and how near, where that is known.

    part: what of the item it found. share: of the question's words those that are there, where words found it.
    """

    channel: str
    rank: int
    similarity: float | None
    part: int | None = None
    share: float | None = None


class Fused(NamedTuple):
    """An item with what it scored, and where each channel had it: (rank, channel, part), best first.

    band: how sure it is, once rated by search/bands.py, where that can be told.
    """

    item_id: int
    created_at: datetime
    score: float
    places: Sequence[tuple[int, str, Near]] = ()
    band: str | None = None

    @property
    def part_id(self) -> int | None:
        """The part that ranked best; a title is none."""
        return next((near.part_id for _, _, near in self.places if near.part_id is not None), None)

    @property
    def part_ids(self) -> tuple[int, ...]:
        """The best part of each channel that found one, best first."""
        return tuple(dict.fromkeys(near.part_id for _, _, near in self.places if near.part_id is not None))

    @property
    def why(self) -> tuple[Why, ...]:
        """The channels that found it, best rank first."""
        return tuple(
            Why(channel, rank, near.similarity, near.part_id, near.share if near.similarity is None else None)
            for rank, channel, near in self.places
        )


def fuse(
    channels: Mapping[str, Sequence[Near]],
    *,
    weights: Mapping[str, float] = UNWEIGHTED,
) -> list[Fused]:
    """One list of items, best first. In each channel an item stands where its best part does.

    A channel counts by its weight, or 1. A place counts by how much more alike it is than what stands in the lower
    half of its channel, so that a channel that knows nothing of the question is not heard. What words found counts by
    the share of the question's words that are there, and less than a vector that is sure; guessed tags count little
    beside pictures' own vectors. Similarities of two channels are never compared.
    """
    found: dict[int, list[tuple[int, str, Near]]] = {}
    scores: dict[int, float] = {}
    guessed_share = GUESSED_SHARE if channels.get(Channel.IMAGE) else 1.0
    for channel, ranked in channels.items():
        weight, places = weights.get(channel, 1.0), list(_once_per_item(ranked))
        level = background(near.similarity for near in places if near.similarity is not None)
        for rank, near in enumerate(places, start=1):
            heard = WORDS_WEIGHT * near.share if near.similarity is None else _heard(near.similarity, level)
            heard *= guessed_share if near.guessed else 1.0
            scores[near.item_id] = scores.get(near.item_id, 0.0) + heard * weight / (SMOOTHING + rank)
            found.setdefault(near.item_id, []).append((rank, channel, near))
    for stood in found.values():
        stood.sort(key=itemgetter(0))
    fused = [Fused(item_id, stood[0][2].created_at, scores[item_id], stood) for item_id, stood in found.items()]
    # The newer item first where scores are equal: sorting is stable, and sorting twice makes no keys.
    fused.sort(key=attrgetter("item_id"), reverse=True)
    fused.sort(key=attrgetter("score"), reverse=True)
    return fused


def background(similarities: Iterable[float]) -> float:
    """The similarity of what has nothing to do with the question: the middle of a channel's lower half."""
    known = list(similarities)
    known = sorted([*known, *[LEAST_ALIKE] * (FEWEST - len(known))])
    return max(LEAST_ALIKE, known[len(known) // 4])


def _heard(similarity: float, level: float) -> float:
    """What a place counts, from NOISE to 1. level: the background of its channel."""
    way = (similarity - level) / max(STANDS_OUT * (1.0 - level), 1e-6)
    return NOISE + (1.0 - NOISE) * min(1.0, max(0.0, way)) ** 2


def _once_per_item(ranked: Iterable[Near]) -> Iterable[Near]:
    seen: set[int] = set()
    for near in ranked:
        if near.item_id not in seen:
            seen.add(near.item_id)
            yield near
