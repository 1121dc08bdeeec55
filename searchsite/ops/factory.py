"""A library for measuring: many made-up items with their parts, tags, jobs and, if wanted, vectors, by COPY."""

from __future__ import annotations

import io
import random
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import numpy as np
from django.db import transaction
from pgvector import HalfVector
from PIL import Image, ImageDraw
from psycopg import sql

from searchsite.accounts.models import Team, User
from searchsite.indexing import tables
from searchsite.indexing.models import Space
from searchsite.library import blobs, collections, files
from searchsite.library.models import Blob, Collection, Item, Purpose, Tag

# Collections of made-up items are named so, which tells them from what people put in.
MARK = "Measuring: "
PLACES = ("harbour", "station", "kitchen", "castle", "forest", "mountain", "museum", "valley")
ADJECTIVES = ("red", "old", "small", "wooden", "broken", "bright", "quiet", "heavy", "green", "narrow")
NOUNS = ("boat", "house", "horse", "street", "garden", "clock", "bridge", "cup", "river", "window", "table", "letter")
WORDS = (*ADJECTIVES, *NOUNS, *PLACES)
AT_ONCE = 5000
DAYS = 365
SHAPES = ((480, 320), (320, 480), (400, 400), (480, 270))
TABLES: dict[LiteralString, LiteralString] = {
    "blob": "id team_id sha256 path size media_type created_at",
    "item": "id public_id team_id collection_id blob_id kind kind_set_by title source_url placeholder width height"
    " trashed_at trashed_from_id created_by_id created_at",
    "part": "id item_id channel role ordinal text language set_by locator",
    "item_tag": "item_id tag_id source",
    "job": "kind queue lane team_id subject input_hash state token attempts last_error run_at created_at finished_at",
}
Row = tuple[Any, ...]
Say = Callable[[int], None]


@dataclass(frozen=True)
class Plan:
    """What is to be made: for whom, how many, over how many drawn pictures; with vectors where a space is given."""

    team: Team
    count: int
    pictures: int = 12
    space: Space | None = None


class _Batch:
    """Rows by table."""

    def __init__(self) -> None:
        self.rows: dict[LiteralString, list[Row]] = {table: [] for table in TABLES}
        self.vectors: list[dict[str, Any]] = []

    def write(self, space: Space | None) -> None:
        """Put everything in, in one transaction."""
        with transaction.atomic():
            for table, rows in self.rows.items():
                _copy(table, rows)
            if space is not None:
                tables.copy_in(space.pk, self.vectors)


class _Maker:
    """Draws lots for one item after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.chance = plan, random.Random(plan.count)
        self.noise = np.random.default_rng(plan.count)
        self.people = list(User.objects.filter(memberships__team=plan.team, is_active=True).order_by("id"))
        if not self.people:
            raise ValueError(f"{plan.team} has no members: nobody could have put anything in.")
        self.places, self.bin = _places(plan.team, self.people[0])
        self.tags = _tags(plan.team)
        self.blobs = [_drawn(plan.team, number) for number in range(plan.pictures)]
        held = Item.objects.filter(blob__in=[blob for blob, _ in self.blobs]).values_list("blob", flat=True)
        self.unheld = {blob.pk for blob, _ in self.blobs} - set(held)

    def add(self, batch: _Batch, keys: tuple[int, int, int], made: datetime) -> None:
        """One item; keys: its id, that of its blob, and the first of three for its parts."""
        item_id, blob_id, part_id = keys
        kind = self.chance.choices(("image", "screenshot", "text"), (60, 20, 20))[0]
        if not self.blobs:
            kind = "text"
        width = height = blob = None
        if kind != "text":
            original, (width, height) = self.chance.choice(self.blobs)
            blob = self._blob(batch, blob_id, original)
        home, by = self.chance.choice(self.places), self.chance.choice(self.people)
        trashed = self.chance.random() < 0.01
        place = (self.plan.team.pk, self.bin.pk if trashed else home.pk)
        away = (datetime.now(UTC), home.pk) if trashed else (None, None)
        title = " ".join(self.chance.sample(WORDS, 3))
        row = (item_id, uuid.uuid4(), *place, blob, kind, "rule", title, "", "", width, height)
        batch.rows["item"].append((*row, *away, by.pk, made))
        tags = self.chance.sample(self.tags, self.chance.randrange(4))
        batch.rows["item_tag"] += [(item_id, tag.pk, "person") for tag in tags]
        self._parts(batch, (item_id, part_id, *place, kind, by.pk, made), ", ".join(tag.name for tag in tags))
        self._jobs(batch, item_id, kind, made)

    def _blob(self, batch: _Batch, blob_id: int, original: Blob) -> int:
        """A row of its own, as a collection holds the same bytes once; the file is shared. One item holds the file."""
        if original.pk in self.unheld:
            self.unheld.remove(original.pk)
            return original.pk
        row = (blob_id, self.plan.team.pk, secrets.token_hex(32), original.path, original.size)
        batch.rows["blob"].append((*row, original.media_type, original.created_at))
        return blob_id

    def _parts(self, batch: _Batch, key: tuple[Any, ...], tags: str) -> None:
        item_id, part_id, team, place, kind, by, made = key
        picture = kind != "text"
        texts = [("content", "" if picture else self._words(60), "")]
        if picture:
            texts.append(("caption", f"a {self._words(8)}", "captioner"))
        if tags:
            texts.append(("tags", tags, ""))
        for number, (role, text, author) in enumerate(texts):
            channel = "image" if picture and role == "content" else "text"
            batch.rows["part"].append((part_id + number, item_id, channel, role, 0, text, "", author, "{}"))
            if self.plan.space is not None:
                vector = self.noise.normal(size=self.plan.space.dimensions).astype(np.float32)
                vector /= np.linalg.norm(vector)
                row = (item_id, part_id + number, team, place, kind, channel, by, made)
                values = (*row, HalfVector(vector), tables.code_of(vector, None), 0, b"-")
                batch.vectors.append(dict(zip(tables.COLUMNS, values, strict=True)))

    def _jobs(self, batch: _Batch, item_id: int, kind: str, made: datetime) -> None:
        for stage in ("embed",) if kind == "text" else ("decode", "read", "embed"):
            lost = self.chance.random() < 0.001
            state, error = ("dead", "It was made to fail, for measuring.") if lost else ("done", "")
            key = (stage, stage, 9, self.plan.team.pk, item_id, b"")
            batch.rows["job"].append((*key, state, 1, 1, error, made, made, made))

    def _words(self, number: int) -> str:
        return " ".join(self.chance.choices(WORDS, k=number))


def others(team: Team) -> bool:
    """Whether the team has items that were not made here."""
    real = Item.objects.filter(team=team, trashed_at=None).exclude(collection__name__startswith=MARK)
    return real.exists()


def make(plan: Plan, *, said: Say = lambda number: None) -> int:
    """Make the items and return how many; `said` hears after each batch how many there are by then."""
    maker = _Maker(plan)
    moments = sorted(
        datetime.now(UTC) - timedelta(minutes=maker.chance.randrange(DAYS * 1440)) for _ in range(plan.count)
    )
    for start in range(0, plan.count, AT_ONCE):
        some, batch = moments[start : start + AT_ONCE], _Batch()
        for made, *keys in zip(some, _ids("item", len(some)), _ids("blob", len(some)), _thirds(len(some)), strict=True):
            maker.add(batch, (keys[0], keys[1], keys[2]), made)
        batch.write(plan.space)
        said(start + len(some))
    with tables.cursor() as cursor:
        cursor.execute("ANALYZE item, part, blob, job, item_tag")
    return plan.count


def settle() -> None:
    """Vacuum what was written, as autovacuum would sooner or later. Not within a transaction."""
    with tables.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE item, part, blob, job, item_tag")


def _places(team: Team, maker: User) -> tuple[list[Collection], Collection]:
    bin_ = collections.ensure_system(team)[Purpose.TRASH]
    wanted = [MARK + place for place in PLACES]
    known = {one.name: one for one in Collection.objects.filter(team=team, name__in=wanted)}
    return [known.get(name) or collections.create_collection(team, name, maker=maker) for name in wanted], bin_


def _tags(team: Team) -> list[Tag]:
    Tag.objects.bulk_create([Tag(team=team, name=word) for word in sorted(WORDS)], ignore_conflicts=True)
    return list(Tag.objects.filter(team=team, name__in=WORDS).order_by("name"))


def _drawn(team: Team, number: int) -> tuple[Blob, tuple[int, int]]:
    """A real picture with its derivative."""
    size = SHAPES[number % len(SHAPES)]
    hue = number * 47 % 360
    picture = Image.new("RGB", size, f"hsl({hue}, 45%, 60%)")
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, size[1] * 0.65, *size), fill=f"hsl({(hue + 40) % 360}, 40%, 35%)")
    drawing.ellipse((size[0] * 0.6, size[1] * 0.15, size[0] * 0.8, size[1] * 0.15 + size[0] * 0.2), fill="#fff6d8")
    original, derivative = io.BytesIO(), io.BytesIO()
    picture.save(original, "JPEG", quality=85)
    picture.save(derivative, "WEBP", quality=80)
    original.seek(0)
    with files.received(original, limit=1 << 20) as new, transaction.atomic():
        blob, _ = blobs.keep(team.pk, new, media_type="image/jpeg")
        files.write_derivatives(blob, {files.THUMBNAIL: derivative.getvalue()})
    return blob, size


def _ids(table: LiteralString, number: int) -> list[int]:
    with tables.cursor() as cursor:
        rows = cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, number]
        )
        return [pk for (pk,) in rows.fetchall()]


def _thirds(number: int) -> Iterator[int]:
    """The first of three ids for the parts of each item."""
    yield from _ids("part", 3 * number)[::3]


def _copy(table: LiteralString, rows: Sequence[Row]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, TABLES[table].split()))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with tables.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
