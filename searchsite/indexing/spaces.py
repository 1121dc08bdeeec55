"""Which coordinate system vectors are written in and searched in, and the means its codes are centred on."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import Q

from searchsite.indexing import provider, tables
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError, Refused
from searchsite.inference.types import EmbedderInfo, Vectors
from searchsite.library import files
from searchsite.library.models import Channel

ADAPTER = "http"
LEARN_AT = 2000
RECODED_AT_ONCE = 2000
# The built-in engine looks at 260 pixels a side: the thumbnail holds more, and is decoded ten times as fast.
PICTURE_SIZES = {"builtin": files.THUMBNAIL}
# Of unrelated pairs (a text and a picture, or two texts) one in twenty is more alike than this. Measured on
# 80 pictures, 20 passages and 15 questions.
CALIBRATION = {"builtin": {Channel.IMAGE.value: {"floor": 0.15}, Channel.TEXT.value: {"floor": 0.20}}}


class WrongEmbedder(InferenceError):
    """The inference server runs another embedder than the one that the library is indexed with."""

    shared = True


@dataclass(frozen=True)
class Centre:
    """What the codes of a channel are centred on. Until `ready`, codes of earlier versions are about."""

    version: int
    ready: bool
    mean: Vectors


def active() -> Space | None:
    """The space that answers now, if there is one."""
    return Space.objects.filter(status=SpaceStatus.ACTIVE).first()


def ensure_active() -> Space:
    """Return the space of the embedder that is served now, made and activated if it is the first.

    Raises an InferenceError that is shared: Unreachable and the like, or WrongEmbedder.
    """
    info = _served()
    space = active()
    if space is None:
        space = _open(info)
    if not serves(space, info):
        raise WrongEmbedder(
            f"The inference server runs {info.name} {info.revision}, but the library is indexed with"
            f" {space.embedder} {space.revision}: run `manage.py reindex`, or go back to that embedder."
        )
    return space


def _served() -> EmbedderInfo:
    try:
        return provider.client().info()
    except Refused as error:
        # No job is to blame for the settings.
        raise WrongEmbedder(error.message) from error


def serves(space: Space, info: EmbedderInfo) -> bool:
    """Whether vectors of this embedder lie in this space."""
    return (space.embedder, space.revision, space.dimensions) == (info.name, info.revision, info.dimensions)


@transaction.atomic
def _open(info: EmbedderInfo) -> Space:
    """Of several workers at once the unique indexes let one make row and table; the others wait, then find both."""
    space, _ = Space.objects.get_or_create(
        status=SpaceStatus.ACTIVE,
        defaults={
            "adapter": ADAPTER,
            "embedder": info.name,
            "revision": info.revision,
            "dimensions": info.dimensions,
            "mrl": info.mrl,
            "takes_pictures": "image" in info.modalities,
            "pixel_policy": str(PICTURE_SIZES.get(info.name, files.VIEW)),
            "notes": list(info.notes),
            "calibration": CALIBRATION.get(info.name, {}),
        },
    )
    tables.create(space.pk, space.dimensions)
    return space


def switch() -> Space:
    """Retire the active space and activate the one of the embedder that is served now; `upkeep.fill` fills it."""
    info = _served()
    same = Q(adapter=ADAPTER, embedder=info.name, revision=info.revision, dimensions=info.dimensions)
    with transaction.atomic():
        Space.objects.filter(status=SpaceStatus.ACTIVE).update(status=SpaceStatus.RETIRED)
        Space.objects.filter(same).update(status=SpaceStatus.ACTIVE)
        return _open(info)


@transaction.atomic
def drop_retired() -> None:
    """Forget the retired spaces with their vectors."""
    with connection.cursor() as cursor:
        # Dropping a table that refers to items locks them; whoever is in the way goes first.
        cursor.execute("SET LOCAL lock_timeout = '2s'")
    for space in Space.objects.select_for_update().filter(status=SpaceStatus.RETIRED):
        tables.drop(space.pk)
        space.delete()


def centre_of(space: Space, channel: str) -> Centre | None:
    """What a channel's codes are centred on; None while it has too few vectors to tell."""
    kept = space.means.get(channel)
    if kept is None:
        return None
    mean = np.frombuffer(base64.b64decode(kept["mean"]), dtype=np.float16).astype(np.float32)
    return Centre(kept["version"], kept["ready"], mean)


def locked(space: Space) -> Space:
    """Return the space as it is now and hold off a new mean until the transaction ends.

    Without it, a row of the old version could be committed after the last old one was brought up to date.
    """
    current = Space.objects.raw("SELECT * FROM space WHERE id = %s FOR SHARE", [space.pk])
    return current[0]


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
