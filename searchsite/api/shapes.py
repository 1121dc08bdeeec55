"""Rows become the API's shapes; a whole page of items in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from django.urls import reverse

from searchsite.api import schemas
from searchsite.indexing import stages
from searchsite.library.files import THUMBNAIL
from searchsite.library.models import Item, ItemTag, Kind, Part, PartRole, Source

Texts = dict[int, dict[str, str]]
NO_ID = str(UUID(int=0))


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
    return None if kind == Kind.TEXT else _pattern("thumbnail", THUMBNAIL).replace(NO_ID, str(item_id))


def item_url(item_id: UUID) -> str:
    """Address of the item's page."""
    return _pattern("item").replace(NO_ID, str(item_id))


@lru_cache
def _pattern(name: str, *more: int) -> str:
    """An address with a place for an item's id: to reverse each costs twenty times as much."""
    return reverse(name, args=[UUID(NO_ID), *more])


def _item(item: Item, progress: stages.Progress, texts: dict[str, str], tags: list[tuple[str, str]]) -> schemas.ItemOut:
    role = PartRole.OCR if item.is_picture else PartRole.CONTENT
    return schemas.ItemOut.model_validate(
        {
            "id": item.public_id,
            "kind": item.kind,
            "title": item.title,
            "status": progress.status,
            "stages": {name: {"state": one.state, "error": one.error} for name, one in progress.stages.items()},
            "caption": texts.get(PartRole.CAPTION) or None,
            "tags": [name for name, _ in tags],
            "text": texts.get(role) or None,
            "depicts": [name for name, source in tags if source == Source.MACHINE],
            "collection": item.collection.public_id,
            "collection_name": item.collection.name,
            "created_at": item.created_at,
            "created_by": item.created_by.username if item.created_by else None,
            "source_url": item.source_url or None,
            "width": item.width,
            "height": item.height,
            "media_type": item.blob.media_type if item.blob else None,
            "size": item.blob.size if item.blob else None,
            "file_url": reverse("file", args=[item.public_id]) if item.blob else None,
            "thumbnail_url": thumbnail_url(item.public_id, item.kind),
            "url": item_url(item.public_id),
        }
    )


def _texts(items: Sequence[Item], *, whole: bool) -> Texts:
    """Join the passages of each role; without `whole`, the first passage only."""
    parts = Part.objects.filter(item__in=items).exclude(text="").order_by("item_id", "role", "ordinal")
    if not whole:
        parts = parts.filter(ordinal=0)
    found: Texts = defaultdict(dict)
    for item_id, role, text in parts.values_list("item_id", "role", "text"):
        found[item_id][role] = found[item_id].get(role, "") + text
    return found


def _tags(items: Sequence[Item]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = ItemTag.objects.filter(item__in=items).order_by("id").values_list("item_id", "tag__name", "source")
    for item_id, name, source in rows:
        found[item_id].append((name, source))
    return found
