"""The jobs of this room: which there are, and how an item's next one is written."""

from __future__ import annotations

from searchsite import config
from searchsite.jobs.models import Job, Lane
from searchsite.library.models import Item

DECODE, READ, CAPTION, EMBED = "decode", "read", "caption", "embed"
# Small enough that a killed worker loses little, large enough that the networks are kept busy.
BATCH = {DECODE: 4, READ: 1, CAPTION: 1, EMBED: 32}


def reads() -> bool:
    """Whether pictures are read here at all."""
    return config.load().read_pictures


def job(kind: str, item: Item, *, lane: int = Lane.NORMAL) -> Job:
    """A job of one kind for one item, not yet written."""
    return Job(kind=kind, queue=kind, lane=lane, team_id=item.team_id, subject=item.pk)
