"""Rows become the API's shapes; a whole page of items in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.urls import reverse

from searchsite.api import schemas
from searchsite.indexing import stages
from searchsite.library import signing
from searchsite.library.files import THUMBNAIL
from searchsite.library.models import Item, ItemTag, Kind, Part, PartRole, Source

Texts = dict[int, dict[str, "Said"]]
NO_ID = str(UUID(int=0))


@dataclass
class Said:
    """A text of one role, who wrote it, and its language."""

    text: str
    set_by: str
    network: str
    language: str

    @property
    def by(self) -> dict[str, str | None] | None:
        """Who wrote it; a text that was put in as such has nobody but its item's maker."""
        return {"author": self.set_by, "network": self.network or None} if self.set_by else None


UNSAID = Said("", "", "", "")


def items_out(items: Sequence[Item], *, whole_text: bool) -> list[schemas.ItemOut]:
    """Describe items that were loaded with collection, blob and created_by."""
    progress = stages.status_of(items)
    texts = _texts(items, whole=whole_text)
    tags = _tags(items)
    return [_item(item, progress[item.pk], texts[item.pk], tags[item.pk]) for item in items]


def item_out(item: Item) -> schemas.ItemOut:
    """Describe one item, with its whole text."""
    return items_out([item], whole_text=True)[0]


def thumbnail_url(item_id: UUID, kind: str) -> str | None:
    """Address of the small picture; a text has none."""
    if kind == Kind.TEXT:
        return None
    return signing.shown(_pattern("thumbnail", THUMBNAIL).replace(NO_ID, str(item_id)))


def item_url(item_id: UUID) -> str:
    """Address of the item's page."""
    return _pattern("item").replace(NO_ID, str(item_id))


@lru_cache
def _pattern(name: str, *more: int) -> str:
    """An address with a place for an item's id: to reverse each costs twenty times as much."""
    return reverse(name, args=[UUID(NO_ID), *more])


def _item(
    item: Item, progress: stages.Progress, texts: dict[str, Said], tags: list[tuple[str, str]]
) -> schemas.ItemOut:
    caption = texts.get(PartRole.CAPTION, UNSAID)
    text = texts.get(PartRole.OCR if item.is_picture else PartRole.CONTENT, UNSAID)
    seen = [name for name, source in tags if source == Source.MACHINE]
    return schemas.ItemOut.model_validate(
        {
            "id": item.public_id,
            "kind": item.kind,
            "title": item.title,
            "status": progress.status,
            "stages": {name: {"state": one.state, "error": one.error} for name, one in progress.stages.items()},
            "caption": caption.text or None,
            "caption_by": caption.by,
            "tags": [name for name, _ in tags],
            "text": text.text or None,
            "text_by": text.by,
            "language": text.language or None,
            "depicts": [item.depicts, *seen] if item.depicts else seen,
            "collection": item.collection.public_id,
            "collection_name": item.collection.name,
            "created_at": item.created_at,
            "created_by": item.created_by.username if item.created_by else None,
            "source_url": item.source_url or None,
            "width": item.width,
            "height": item.height,
            "media_type": item.blob.media_type if item.blob else None,
            "size": item.blob.size if item.blob else None,
            "file_url": signing.shown(reverse("file", args=[item.public_id])) if item.blob else None,
            "thumbnail_url": thumbnail_url(item.public_id, item.kind),
            "url": item_url(item.public_id),
        }
    )


def _texts(items: Sequence[Item], *, whole: bool) -> Texts:
    """Join the passages of each role; without `whole`, the first passage only."""
    parts = Part.objects.filter(item__in=items).order_by("item_id", "role", "ordinal")
    if not whole:
        parts = parts.filter(ordinal=0)
    found: Texts = defaultdict(dict)
    columns = ("item_id", "role", "text", "set_by", "network", "language")
    for item_id, role, text, *said in parts.values_list(*columns):
        if role in found[item_id]:
            found[item_id][role].text += text
        else:
            found[item_id][role] = Said(text, *said)
    return found


def _tags(items: Sequence[Item]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = ItemTag.objects.filter(item__in=items).order_by("id").values_list("item_id", "tag__name", "source")
    for item_id, name, source in rows:
        found[item_id].append((name, source))
    return found
