"""Loads what a page of hits shows, in one query, however many hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from searchsite.indexing import tables
from searchsite.library.scope import Scope

# The scope stands here once more: what a hit list got wrong would still not be shown.
CARDS: LiteralString = """
SELECT page.place, item.public_id, item.kind, item.title, item.created_at, item.width, item.height, item.placeholder,
    collection.name, collection.purpose, item.blob_id, coalesce(caption.text, ''), coalesce(tagged.names, '{}'),
    CASE WHEN part.id IS NULL AND item.kind = 'text' THEN (
        SELECT opening.text FROM part AS opening
        WHERE opening.item_id = item.id AND opening.role = 'content' AND opening.ordinal = 0
    ) ELSE '' END,
    part.id, part.role, part.text, part.locator - 'words'
FROM unnest(%(items)s::bigint[], %(parts)s::bigint[]) WITH ORDINALITY AS page (item_id, part_id, place)
JOIN item ON item.id = page.item_id JOIN collection ON collection.id = item.collection_id
LEFT JOIN part ON part.id = page.part_id AND part.item_id = item.id
LEFT JOIN part AS caption ON caption.item_id = item.id AND caption.role = 'caption' AND caption.ordinal = 0
LEFT JOIN LATERAL (
    SELECT array_agg(tag.name::text ORDER BY item_tag.source DESC, item_tag.id) AS names
    FROM item_tag JOIN tag ON tag.id = item_tag.tag_id WHERE item_tag.item_id = item.id
) AS tagged ON true
WHERE item.collection_id = ANY(%(scope)s::bigint[]) ORDER BY page.place
"""


@dataclass(frozen=True)
class Card:
    """What is shown of an item. `id` is its public one; `opening` is how a text begins of which no part matched.

    blob: two items of the same are copies of one file.
    """

    id: UUID
    kind: str
    title: str
    caption: str
    created_at: datetime
    width: int | None
    height: int | None
    placeholder: str
    collection_name: str
    tags: tuple[str, ...]
    opening: str = ""
    collection_purpose: str = ""
    blob: int | None = None


@dataclass(frozen=True)
class MatchedPart:
    """The part that matched best. `locator` says where in the item it stands."""

    id: int
    role: str
    text: str
    locator: dict[str, Any]


def load(pairs: Sequence[tuple[int, int | None]], scope: Scope) -> dict[int, tuple[Card, MatchedPart | None]]:
    """Cards and parts by their place among the (item, part) pairs; an item gone meanwhile is left out."""
    if not pairs:
        return {}
    values = {
        "items": [item for item, _ in pairs],
        "parts": [part for _, part in pairs],
        "scope": list(scope.collection_ids),
    }
    with tables.cursor() as cursor:
        rows = cursor.execute(CARDS, values, prepare=True, binary=True).fetchall()
    return {row[0] - 1: (_card(row), _part(row)) for row in rows}


def _card(row: tuple[Any, ...]) -> Card:
    _, public_id, kind, title, created_at, width, height, placeholder, *more = row
    collection, purpose, blob, caption, tags, opening = more[:6]
    return Card(
        id=public_id,
        kind=kind,
        title=title,
        caption=caption,
        created_at=created_at,
        width=width,
        height=height,
        placeholder=placeholder,
        collection_name=collection,
        tags=tuple(tags),
        opening=opening or "",
        collection_purpose=purpose,
        blob=blob,
    )


def _part(row: tuple[Any, ...]) -> MatchedPart | None:
    part_id, role, text, locator = row[-4:]
    return None if part_id is None else MatchedPart(part_id, role, text, locator or {})
