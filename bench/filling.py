"""Fills the library of this environment with 10,000 items and their vectors, by COPY."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import numpy as np
from psycopg import sql

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import transaction  # noqa: E402  # these need Django set up
from pgvector import HalfVector  # noqa: E402

from searchsite.accounts.models import Team  # noqa: E402
from searchsite.indexing import centres, spaces, tables  # noqa: E402
from searchsite.library import intake  # noqa: E402

ITEMS = 10_000
CENTRES = 100
ADJECTIVES = ("red", "old", "small", "wooden", "broken", "bright", "quiet", "heavy")
NOUNS = ("boat", "house", "horse", "street", "garden", "clock", "bridge", "cup", "river", "window", "table", "letter")
PLACES = ("market", "harbour", "station", "kitchen", "castle", "forest", "mountain", "factory", "museum", "valley")
WORDS = (*ADJECTIVES, *NOUNS, *PLACES)
COLUMNS = {
    "item": "id public_id team_id collection_id kind kind_set_by title source_url placeholder width height created_at",
    "part": "id item_id channel role ordinal text language locator",
}


def main() -> None:
    """Half the items are pictures and half are texts; each vector lies near one of 100 centres of its channel."""
    team = Team.objects.get(name="home")
    inbox = intake.inbox_of(team.pk)
    space = spaces.ensure_active()
    chance, noise = random.Random(7), np.random.default_rng(7)
    hubs = noise.normal(size=(2, CENTRES, space.dimensions)).astype(np.float32)
    items, parts, vectors = [], [], []
    for pk in range(1_000_000, 1_000_000 + ITEMS):
        picture = pk % 2 == 0
        kind, channel = ("image", "image") if picture else ("text", "text")
        made = datetime.now(UTC) - timedelta(minutes=chance.randrange(500_000))
        title = " ".join(chance.sample(WORDS, 3))
        text = "" if picture else " ".join(chance.choices(WORDS, k=60))
        place = (team.pk, inbox.pk)
        items.append((pk, uuid.uuid4(), *place, kind, "rule", title, "", "", 640, 480, made))
        parts.append((pk, pk, channel, "content", 0, text, "", "{}"))
        vector = hubs[pk % 2, chance.randrange(CENTRES)] + noise.normal(size=space.dimensions).astype(np.float32)
        vector /= np.linalg.norm(vector)
        vectors.append(_row(pk, place, kind, channel, made, vector))
    with transaction.atomic():
        _copy("item", items)
        _copy("part", parts)
        tables.copy_in(space.pk, vectors)
    centres.improve(space, seconds=60)
    with tables.cursor() as cursor:
        cursor.execute(tables.query("VACUUM ANALYZE {table}", space.pk))
        cursor.execute("VACUUM ANALYZE item, part")


def _row(pk: int, place: tuple[int, int], kind: str, channel: str, made: datetime, vector: Any) -> dict[str, Any]:
    values = (pk, pk, *place, kind, channel, None, made, HalfVector(vector), tables.code_of(vector, None), 0, b"-")
    return dict(zip(tables.COLUMNS, values, strict=True))


def _copy(table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    with (
        tables.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy,
    ):
        for row in rows:
            copy.write_row(row)


if __name__ == "__main__":
    main()
