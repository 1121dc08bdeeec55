"""Fills the library of this environment with many varied items and their vectors, by COPY: `python -m bench.crowd N`.

Words come by Zipf's law, the commonest in every fifth item and more; there are several people, collections, hundreds of
tags, six years, captions, texts in pictures with codes, and long texts of many passages.
"""

from __future__ import annotations

import os
import random
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, LiteralString

import django
import numpy as np
from psycopg import sql

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from pgvector import HalfVector  # noqa: E402  # these need Django set up

from bench.vocabulary import STOP, Vocabulary  # noqa: E402
from searchsite.accounts.models import Membership, Team, User  # noqa: E402
from searchsite.indexing import centres, indexes, spaces, tables  # noqa: E402
from searchsite.indexing.alone import Work, alone  # noqa: E402
from searchsite.indexing.models import Space  # noqa: E402
from searchsite.library import collections, intake  # noqa: E402
from searchsite.library.models import Collection, Tag, Visibility  # noqa: E402

FIRST, AT_ONCE, DAYS, HUBS, SEED = 1_000_000, 4000, 6 * 365, 300, 11
PEOPLE, COLLECTIONS, TAGS = 12, 14, 400
COLUMNS: dict[LiteralString, LiteralString] = {
    "item": "id public_id team_id collection_id kind kind_set_by title source_url placeholder width height"
    " created_by_id created_at",
    "part": "id item_id channel role ordinal text language set_by locator",
    "item_tag": "item_id tag_id source",
}
# Rebuilt after the rows are in: in minutes rather than many.
WORD_INDEXES = ("part_words", "part_trigrams", "item_title_words", "item_title_trigrams")
Row = tuple[Any, ...]


class Crowd:
    """Draws lots for one item after the other, and writes them in batches."""

    def __init__(self, team: Team, space: Space) -> None:
        self.team, self.space = team, space
        self.chance, self.noise = random.Random(SEED), np.random.default_rng(SEED)
        self.vocabulary = Vocabulary(self.chance)
        self.people = _people(team)
        self.places = _places(team, self.people)
        self.tags = _tags(team, self.vocabulary.words)
        self.tag_weights = list(accumulate(1 / (rank + 5) for rank in range(len(self.tags))))
        self.hubs = self.noise.normal(size=(2, HUBS, space.dimensions)).astype(np.float32)
        self.part_id = FIRST

    def batch(self, ids: range) -> None:
        """Make these items, with all that belongs to them."""
        items, parts, tagged, keys = [], [], [], []
        for pk in ids:
            kind = self.chance.choices(("image", "screenshot", "text"), (55, 20, 25))[0]
            place = (self.team.pk, self.chance.choices(self.places, self._shares())[0])
            by = self.chance.choice(self.people).pk
            made = datetime.now(UTC) - timedelta(minutes=self.chance.randrange(DAYS * 1440))
            size = (None, None) if kind == "text" else (640, 480)
            title = self.vocabulary.some(self.chance.randrange(1, 7))
            items.append((pk, uuid.uuid4(), *place, kind, "rule", title, "", "", *size, by, made))
            tags = dict.fromkeys(
                self.chance.choices(self.tags, cum_weights=self.tag_weights, k=self.chance.randrange(6))
            )
            tagged += [(pk, tag.pk, self.chance.choice(("person", "machine"))) for tag in tags]
            for number, (role, text) in enumerate(self._texts(kind, ", ".join(tag.name for tag in tags))):
                channel = "text" if text else "image"
                ordinal = number if kind == "text" and role == "content" else 0
                parts.append((self.part_id, pk, channel, role, ordinal, text, "", "", "{}"))
                keys.append((pk, self.part_id, *place, kind, channel, by, made))
                self.part_id += 1
        for table, rows in (("item", items), ("part", parts), ("item_tag", tagged)):
            _copy(table, rows)
        tables.copy_in(self.space.pk, self._vectors(keys))

    def _shares(self) -> list[float]:
        return [1 / (rank + 2) for rank in range(len(self.places))]

    def _texts(self, kind: str, tags: str) -> Iterator[tuple[str, str]]:
        chance, some = self.chance, self.vocabulary.some
        if kind == "text":
            passages = chance.choices((1, 2, 5, 30), (88, 8, 3.5, 0.5))[0]
            yield from (("content", some(chance.randrange(20, 120 if passages == 1 else 250))) for _ in range(passages))
        else:
            yield "content", ""
            yield "caption", some(chance.randrange(6, 20))
        if kind == "screenshot" or (kind == "image" and chance.random() < 0.2):
            yield "ocr", f"{some(chance.randrange(3, 80))} {self.vocabulary.code()}"
        if tags and kind != "text":
            yield "tags", tags

    def _vectors(self, keys: Sequence[Row]) -> Iterator[dict[str, Any]]:
        found = {channel: centres.centre_of(self.space, channel) for channel in ("image", "text")}
        noise = self.noise.standard_normal(size=(len(keys), self.space.dimensions), dtype=np.float32)
        for key, own in zip(keys, noise, strict=True):
            channel = key[5]
            own += self.hubs[int(channel == "text"), self.chance.randrange(HUBS)]
            own /= np.linalg.norm(own)
            centre = found[channel]
            code = tables.code_of(own, centre.mean if centre else None)
            values = (*key, HalfVector(own), code, centre.version if centre else 0, b"-")
            yield dict(zip(tables.COLUMNS, values, strict=True))


def fill(count: int) -> None:
    """Make so many items for the team of the first user."""
    team = Team.objects.get(name="home")
    crowd = Crowd(team, spaces.ensure_active())
    intake.inbox_of(team.pk)
    began = time.monotonic()
    kept = _dropped()
    # As with a large import, the graphs come last.
    with alone(Work.INDEXES, crowd.space):
        for start in range(FIRST, FIRST + count, AT_ONCE):
            crowd.batch(range(start, min(start + AT_ONCE, FIRST + count)))
            if start == FIRST:
                # The codes of all others are centred at once.
                centres.improve(crowd.space, seconds=60)
                crowd.space.refresh_from_db()
            print(f"{start + AT_ONCE - FIRST:,} of {count:,} after {time.monotonic() - began:.0f} s", flush=True)
        with tables.cursor() as cursor:
            for statement in kept:
                cursor.execute(statement)
            cursor.execute(tables.query("VACUUM ANALYZE {table}", crowd.space.pk))
            cursor.execute("VACUUM ANALYZE item, part, item_tag, tag, collection, user_account")
        indexes.build(crowd.space)


def _dropped() -> list[sql.SQL]:
    """Drop the indexes of words, and return how each was made."""
    with tables.cursor() as cursor:
        rows = cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(WORD_INDEXES)])
        made = [sql.SQL(statement) for (statement,) in rows.fetchall()]
        for name in WORD_INDEXES:
            cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(name)))
    return made


def _people(team: Team) -> list[User]:
    names = [f"person{number}" for number in range(PEOPLE)]
    User.objects.bulk_create([User(username=name) for name in names], ignore_conflicts=True)
    found = list(User.objects.filter(username__in=[*names, "admin"]).order_by("id"))
    Membership.objects.bulk_create([Membership(team=team, user=one) for one in found], ignore_conflicts=True)
    return found


def _places(team: Team, people: Sequence[User]) -> list[int]:
    """Collections of the team, and last a small one that only another person sees."""
    names = [f"Collection {number}" for number in range(COLLECTIONS)]
    shown = [collections.create_collection(team, name, maker=people[0]).pk for name in names]
    hidden: Collection = collections.create_collection(
        team, "Another's own", maker=people[-1], visibility=Visibility.PRIVATE
    )
    return [*shown, hidden.pk]


def _tags(team: Team, words: Sequence[str]) -> list[Tag]:
    names = list(dict.fromkeys(word.casefold() for word in words[len(STOP) : len(STOP) + TAGS]))
    Tag.objects.bulk_create([Tag(team=team, name=name) for name in names], ignore_conflicts=True)
    return list(Tag.objects.filter(team=team, name__in=names).order_by("id"))


def _copy(table: LiteralString, rows: Sequence[Row]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with tables.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
