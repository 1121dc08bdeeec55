"""How sure a hit is: strong, likely or weak, by what the space's calibration knows, and by words.

The rule, for each hit the best of:
- all texts in quotes stand in it: strong.
- by words: all words of the question stand in it, and in few others: strong; in many, or in tags that were guessed, or
  words that weigh half of the question: likely.
- by a channel of vectors: how much more alike it is to the question than the channel as a whole. From the channel's
  level for strong on, and at least 0.6 of what the best hit there reaches: strong. Where the best hit reaches the
  level for likely: likely, from 0.7 of that level and 0.4 of the best on.
  What a network guessed of a picture tells nothing beside the picture's own vector.
- else weak.
Without a calibration, or where no vectors were compared, nobody can tell: no band.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from searchsite.indexing import calibration
from searchsite.indexing.models import Space
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel
from searchsite.search.fuse import Fused
from searchsite.search.vectors import Near

Band = Literal["strong", "likely", "weak"]
BANDS: Sequence[Band] = ("strong", "likely", "weak")
STRONG_OF_BEST, LIKELY_OF_BEST, LIKELY_OF_LEVEL = 0.6, 0.4, 0.7
ALL_WORDS, HALF_THE_WORDS, FEW = 0.999, 0.5, 10


@dataclass(frozen=True)
class Levels:
    """From where on a hit of a channel is likely and strong. expected: what the question has in common with all."""

    likely: float
    strong: float
    expected: float = 0.0


def levels_for(space: Space, vector: Vectors, *, pictured: bool = False, short: bool = False) -> dict[str, Levels]:
    """The levels of a question in each calibrated channel. pictured: it is asked by a picture; short: by one word."""
    found = {}
    for channel in Channel.values:
        means = space.calibration.get(channel, {})
        own = means
        if pictured:
            own = space.calibration.get(calibration.PICTURED + channel, {})
        elif short:
            # A space of an earlier rule has none until it is calibrated anew.
            own = space.calibration.get(calibration.SHORT + channel, means)
        if "likely" in own and "strong" in own:
            found[channel] = Levels(own["likely"], own["strong"], _expected(means, vector))
    return found


def rated(found: Sequence[Fused], levels: Mapping[str, Levels], quoted: Collection[int] = ()) -> list[Fused]:
    """The hits with their bands. levels: none where nobody can tell; quoted: items that have the texts in quotes."""
    if not levels:
        return list(found)
    best = {
        channel: max((near.similarity or 0.0 for near in _in(found, channel)), default=0.0) - level.expected
        for channel, level in levels.items()
    }
    said = sum(any(_is_said(near) for _, _, near in one.places) for one in found)
    rule = _Rule(levels, best, few=said <= FEW)
    return [one._replace(band="strong" if one.item_id in quoted else rule.band(one)) for one in found]


def arranged(found: list[Fused], weak: bool | None, *, by_rank: bool) -> list[Fused]:
    """The hits without the weak ones, with these after all others, or as they are (None). by_rank: not by date."""
    if weak is None or (weak and not by_rank):
        return found
    sure = [one for one in found if one.band != "weak"]
    return [*sure, *(one for one in found if one.band == "weak")] if weak else sure


@dataclass(frozen=True)
class _Rule:
    """What holds of one question. best: how much more alike than its channel the best hit of each is."""

    levels: Mapping[str, Levels]
    best: Mapping[str, float]
    few: bool

    def band(self, one: Fused) -> Band:
        bands = {self._of(channel, near) for _, channel, near in one.places}
        return next(band for band in (*BANDS, "weak") if band in bands or band == "weak")

    def _of(self, channel: str, near: Near) -> Band:
        if near.similarity is None:
            return self._by_words(near)
        level = self.levels.get(channel)
        if level is None or (near.guessed and Channel.IMAGE in self.levels):
            return "weak"
        above, best = near.similarity - level.expected, self.best[channel]
        if above >= max(level.strong, STRONG_OF_BEST * best):
            return "strong"
        least = max(LIKELY_OF_LEVEL * level.likely, LIKELY_OF_BEST * best)
        return "likely" if best >= level.likely and above >= least else "weak"

    def _by_words(self, near: Near) -> Band:
        if _is_said(near):
            return "strong" if self.few else "likely"
        enough = near.share >= ALL_WORDS if near.guessed else near.known >= HALF_THE_WORDS
        return "likely" if enough else "weak"


def _is_said(near: Near) -> bool:
    """Whether it has all words of the question, and nobody guessed them."""
    return near.similarity is None and near.share >= ALL_WORDS and not near.guessed


def _in(found: Iterable[Fused], channel: str) -> Iterable[Near]:
    return (near for one in found for _, own, near in one.places if own == channel and not near.guessed)


def _expected(means: Mapping[str, Any], vector: Vectors) -> float:
    if "mean" not in means:
        return 0.0
    mean = np.frombuffer(base64.b64decode(means["mean"]), dtype="<f2").astype(np.float32)
    return float(mean @ vector) if mean.shape == vector.shape else 0.0
