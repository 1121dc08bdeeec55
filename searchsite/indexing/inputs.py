"""What of an item is embedded, and which of it has no vector yet."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from searchsite.indexing import tables
from searchsite.indexing.models import Space
from searchsite.inference.types import EmbedInput, Picture
from searchsite.library import files
from searchsite.library.models import Blob, Channel, Kind, Part, PartRole

# Goes into every input's hash: raise it when the way of putting an input together changes.
RECIPE = b"1"
NO_FILE = gettext_noop("The picture's file is missing.")

READ = (
    *("channel", "role", "text", "item__title", "item__kind", "item__team_id"),
    *("item__blob__sha256", "item__blob__path", "item__blob__media_type"),
)


@dataclass(frozen=True)
class Pending:
    """A part that wants a vector."""

    part: Part
    input_hash: bytes

    @property
    def part_id(self) -> int:
        return self.part.pk


def pending(space: Space, item_ids: Iterable[int]) -> dict[int, list[Pending]]:
    """By item: the parts that have no vector in the space, or one of something else than they now say."""
    ids = list(item_ids)
    known = tables.hashes(space.pk, ids)
    found: dict[int, list[Pending]] = defaultdict(list)
    parts = Part.objects.filter(item_id__in=ids).select_related("item__blob").only(*READ)
    for part in parts.order_by("id"):
        digest = _digest(part)
        if _is_embeddable(space, part) and known.get(part.pk) != digest:
            found[part.item_id].append(Pending(part, digest))
    return found


def input_of(space: Space, part: Part) -> EmbedInput:
    """What the embedder is shown. Raises FileNotFoundError when a picture's file is missing."""
    if part.channel == Channel.IMAGE:
        assert part.item.blob is not None
        return EmbedInput(picture=picture_of(space, part.item.blob))
    return EmbedInput(text=_text(part))


def picture_of(space: Space, blob: Blob) -> Picture:
    """The derivative that the space's pixel policy asks for."""
    size = int(space.pixel_policy or files.VIEW)
    return Picture(files.derivative_path(blob, size).read_bytes(), files.DERIVATIVE_TYPE)


def _is_embeddable(space: Space, part: Part) -> bool:
    if part.channel == Channel.IMAGE:
        return space.takes_pictures and part.item.blob_id is not None
    return bool(part.text.strip())


def _text(part: Part) -> str:
    """A passage says more with its text's title, unless it begins with it."""
    title = part.item.title
    if part.role != PartRole.CONTENT or part.item.kind != Kind.TEXT or part.text.startswith(title[:40]):
        return part.text
    return f"{title}\n{part.text}"


def _digest(part: Part) -> bytes:
    blob = part.item.blob if part.channel == Channel.IMAGE else None
    said = blob.sha256 if blob is not None else _text(part)
    return hashlib.sha256(RECIPE + part.channel.encode() + said.encode()).digest()
