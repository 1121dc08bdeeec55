"""The means that codes are centred on: learnt once a channel has grown, and anew when its vectors have drifted away.

A mean that is learnt anew is brought into the codes row by row. Until that is done, the old one is kept beside it, and
a search compares codes of each version with a question of the same version.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction

from searchsite.indexing import indexes, tables
from searchsite.indexing.models import Space
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel

LEARN_AT = 2000
"""Vectors of a channel, and of a sample."""
RECODED_AT_ONCE = 2000
LOOK_AGAIN_SECONDS = 3600.0
DRIFTED = 0.05
"""Share of bits that another mean would turn. Of two samples of one channel it is about 0.01."""
_looked: dict[tuple[int, str], float] = {}


@dataclass(frozen=True)
class Centre:
    """What the codes of a channel are centred on. Until `ready`, codes of the version before are about.

    before: that version and its mean; None where its codes tell nothing, as they were not centred.
    """

    version: int
    ready: bool
    mean: Vectors
    before: tuple[int, Vectors] | None = None

    @property
    def versions(self) -> tuple[tuple[int, Vectors], ...]:
        """Versions of the codes that are about, with their means; none while some can't be compared."""
        if self.ready:
            return ((self.version, self.mean),)
        return () if self.before is None else ((self.version, self.mean), self.before)


def centre_of(space: Space, channel: str) -> Centre | None:
    """What a channel's codes are centred on; None while it has too few vectors to tell."""
    kept = space.means.get(channel)
    if kept is None:
        return None
    before = kept.get("before")
    return Centre(
        kept["version"],
        kept["ready"],
        _decoded(kept),
        None if before is None else (before["version"], _decoded(before)),
    )


def improve(space: Space, *, seconds: float) -> None:
    """Learn the mean of a channel that has grown enough or drifted, and bring its codes up to date, for a while."""
    until = time.monotonic() + seconds
    for channel in Channel.values:
        centre = centre_of(space, channel)
        if centre is None and tables.count_up_to(space.pk, channel, LEARN_AT) == LEARN_AT:
            centre = _learn(space, channel)
        elif centre is not None and centre.ready and _is_due(space, channel) and has_drifted(space, channel, centre):
            centre = _learn(space, channel, instead_of=centre)
        if centre is not None and not centre.ready:
            _bring_up_to_date(space, channel, centre, until)


def has_drifted(space: Space, channel: str, centre: Centre) -> bool:
    """Whether a mean learnt now would turn so many bits that codes of the old one tell less than they could."""
    sample = _sample(space, channel)
    if len(sample) < LEARN_AT // 2:
        return False
    turned = (sample > centre.mean) != (sample > sample.mean(axis=0))
    return float(turned.mean()) > DRIFTED


def _is_due(space: Space, channel: str) -> bool:
    key = (space.pk, channel)
    if time.monotonic() - _looked.get(key, -LOOK_AGAIN_SECONDS) < LOOK_AGAIN_SECONDS:
        return False
    _looked[key] = time.monotonic()
    return True


def _sample(space: Space, channel: str) -> Vectors:
    sample = tables.sample(space.pk, channel, LEARN_AT, of=indexes.estimated(space, channel))
    # A table that was never analysed is of any size.
    return sample if len(sample) >= LEARN_AT // 2 else tables.sample(space.pk, channel, LEARN_AT, of=1)


@transaction.atomic
def _learn(space: Space, channel: str, *, instead_of: Centre | None = None) -> Centre | None:
    current = Space.objects.select_for_update().get(pk=space.pk)
    kept = current.means.get(channel)
    if (kept["version"] if kept else None) == (instead_of.version if instead_of else None):
        mean = _sample(current, channel).mean(axis=0)
        current.code_version += 1
        current.means[channel] = {"version": current.code_version, "ready": False, **_encoded(mean)}
        if kept is not None:
            current.means[channel]["before"] = {"version": kept["version"], "mean": kept["mean"]}
        current.save(update_fields=["means", "code_version"])
    return centre_of(current, channel)


def _bring_up_to_date(space: Space, channel: str, centre: Centre, until: float) -> None:
    while tables.recode(space.pk, channel, centre.mean, version=centre.version, limit=RECODED_AT_ONCE):
        if time.monotonic() > until:
            return
    with transaction.atomic():
        current = Space.objects.select_for_update().get(pk=space.pk)
        if not tables.outdated(space.pk, channel, centre.version):
            current.means[channel]["ready"] = True
            current.means[channel].pop("before", None)
            current.save(update_fields=["means"])


def _encoded(mean: Vectors) -> dict[str, str]:
    return {"mean": base64.b64encode(mean.astype(np.float16).tobytes()).decode()}


def _decoded(kept: Mapping[str, Any]) -> Vectors:
    return np.frombuffer(base64.b64decode(kept["mean"]), dtype=np.float16).astype(np.float32)
