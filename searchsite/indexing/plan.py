"""The jobs of this room: which there are, and how an item's next one is written."""

from __future__ import annotations

import hashlib
from typing import Literal

from searchsite import config
from searchsite.inference import captioning
from searchsite.inference.stages import stages_from
from searchsite.jobs.models import Job, Lane
from searchsite.library.models import Item

DECODE, READ, CAPTION, EMBED = "decode", "read", "caption", "embed"
# Of a job to decode: only the files are to be made anew. It is read and described already.
PICTURES_ONLY = b"pictures only"
# Small enough that a killed worker loses little, large enough that the networks are kept busy.
BATCH = {DECODE: 4, READ: 1, CAPTION: 4, EMBED: 32}


def at_once(kind: str) -> int:
    """How many jobs of a kind a worker takes at once."""
    return config.load().captions_at_once if kind == CAPTION else BATCH[kind]


def reader() -> Literal["builtin", "captioner"] | None:
    """Who reads the text in pictures; None when nobody does."""
    loaded = config.load()
    if not loaded.read_pictures or loaded.reader == "none":
        return None
    if loaded.reader == "captioner":
        return "captioner" if captions() else None
    return "builtin"


def reads() -> bool:
    """Whether reading pictures is a stage of its own: a captioner reads while it captions."""
    return reader() == "builtin"


def captions() -> bool:
    """Whether a captioner is configured."""
    return captioner() is not None


def is_configured(kind: str) -> bool:
    """Whether anybody does this stage."""
    return {READ: reads, CAPTION: captions}.get(kind, lambda: True)()


def captioner() -> str | None:
    """The name of the network that describes pictures."""
    endpoint = stages_from(config.load()).caption
    return endpoint.network if endpoint is not None else None


def job(kind: str, item: Item, *, lane: int = Lane.NORMAL, space_id: int | None = None) -> Job:
    """A job of one kind for one item, not yet written. One to caption says what is captioned, by whom and how.

    One to embed is for the space that answers when it is worked on, unless it names another.
    """
    digest = caption_hash(item.blob.sha256) if kind == CAPTION and item.blob is not None else b""
    return Job(
        kind=kind,
        queue=kind,
        lane=lane,
        team_id=item.team_id,
        subject=item.pk,
        space_id=space_id,
        input_hash=digest,
    )


def caption_hash(sha256: str) -> bytes:
    """Tells captions apart that another captioner made, or another prompt, or of another picture."""
    return hashlib.sha256(f"{caption_recipe()}{sha256}".encode()).digest()


def caption_recipe() -> str:
    """What makes a caption beside the picture; the database puts the same string together."""
    return f"{captioning.VERSION}\n{captioner()}\n"
