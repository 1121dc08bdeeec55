"""The means that codes are centred on: learnt once a channel has grown, then brought into its codes."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from searchsite.indexing import tables
from searchsite.indexing.models import Space
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel

LEARN_AT = 2000
RECODED_AT_ONCE = 2000


@dataclass(frozen=True)
class Centre:
    """What the codes of a channel are centred on. Until `ready`, codes of earlier versions are about."""

    version: int
    ready: bool
    mean: Vectors


def centre_of(space: Space, channel: str) -> Centre | None:
    """What a channel's codes are centred on; None while it has too few vectors to tell."""
    kept = space.means.get(channel)
    if kept is None:
        return None
    mean = np.frombuffer(base64.b64decode(kept["mean"]), dtype=np.float16).astype(np.float32)
    return Centre(kept["version"], kept["ready"], mean)


def improve(space: Space, *, seconds: float) -> None:
    """Learn the mean of a channel that has grown enough, and bring its codes up to date, for a while."""
    until = time.monotonic() + seconds
    for channel in Channel.values:
        centre = centre_of(space, channel)
        if centre is None and tables.count_up_to(space.pk, channel, LEARN_AT) == LEARN_AT:
            centre = _learn(space, channel)
        if centre is not None and not centre.ready:
            _bring_up_to_date(space, channel, centre, until)


@transaction.atomic
def _learn(space: Space, channel: str) -> Centre | None:
    current = Space.objects.select_for_update().get(pk=space.pk)
    if channel not in current.means:
        mean = tables.mean(space.pk, channel, LEARN_AT).astype(np.float16)
        current.code_version += 1
        encoded = base64.b64encode(mean.tobytes()).decode()
        current.means[channel] = {"version": current.code_version, "ready": False, "mean": encoded}
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
            current.save(update_fields=["means"])
