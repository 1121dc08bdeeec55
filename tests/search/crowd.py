"""Many vectors of several teams in one space, and who may see which, kept a second time in plain Python."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from django.db import transaction
from pgvector import HalfVector
from psycopg import sql

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.indexing import tables
from searchsite.indexing.models import Space
from searchsite.library.models import Collection, CollectionGrant, Tag, Visibility
from searchsite.search.questions import Filters

TEAMS, PEOPLE, PLACES, TAGS, TOPICS = 4, 8, 6, 10, 60
FIRST = 1_000
NEWEST = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = {
    "item": "id public_id team_id collection_id kind kind_set_by title source_url placeholder width height"
    " created_by_id created_at",
    "part": "id item_id channel role ordinal text language set_by locator",
    "item_tag": "item_id tag_id source",
}


@dataclass
class Crowd:
    """The world: items, each with one vector, and who may see which collection. Of the items, one array a column."""

    space: Space
    vectors: np.ndarray
    people: list[User]
    teams: list[Team]
    places: dict[int, Collection]
    collection: np.ndarray
    kind: np.ndarray
    by: np.ndarray
    made: np.ndarray
    tags: np.ndarray
    homes: list[list[int]]
    members: set[tuple[int, int]] = field(default_factory=set)
    grants: set[tuple[int, int]] = field(default_factory=set)

    def of(self, channel: str) -> np.ndarray:
        """Which items are in the channel."""
        is_text: np.ndarray = self.kind == "text"
        return is_text if channel == "text" else ~is_text

    def may_see(self, user: User, team: Team) -> set[int]:
        """Collections that the person sees in the team, by the rules as people are told them."""
        if (user.pk, team.pk) not in self.members:
            return set()
        return {
            place.pk
            for place in self.places.values()
            if place.team_id == team.pk
            and (
                place.visibility != Visibility.PRIVATE
                or place.created_by_id == user.pk
                or (place.pk, user.pk) in self.grants
            )
        }

    def visible(self, user: User, team: Team, filters: Filters, channel: str) -> np.ndarray:
        """Places of the items that a question with these filters may find."""
        wanted = set(filters.collections)
        named = [pk for pk in self.may_see(user, team) if not wanted or self.places[pk].public_id in wanted]
        fits = self.of(channel) & np.isin(self.collection, named)
        if filters.kinds:
            fits &= np.isin(self.kind, filters.kinds)
        for tag in filters.tags:
            fits &= self.tags[:, int(tag.removeprefix("tag"))]
        if filters.by is not None:
            fits &= self.by == next(one.pk for one in self.people if one.username == filters.by)
        if filters.after is not None:
            fits &= self.made >= np.datetime64(filters.after)
        if filters.before is not None:
            fits &= self.made < np.datetime64(filters.before)
        return np.flatnonzero(fits)

    def strange(self, seen: set[int]) -> list[int]:
        """Topics that are nowhere at home in these collections."""
        return [topic for topic, home in enumerate(self.homes) if not seen.intersection(home)]

    def change_rights(self, chance: random.Random) -> None:
        """Give or take one grant, and open or close one collection."""
        place, user = chance.choice(list(self.places.values())), chance.choice(self.people)
        key = (place.pk, user.pk)
        if key in self.grants:
            CollectionGrant.objects.filter(collection=place, user=user).delete()
            self.grants.discard(key)
        else:
            CollectionGrant.objects.create(collection=place, user=user)
            self.grants.add(key)
        other = chance.choice(list(self.places.values()))
        other.visibility = chance.choice([Visibility.PRIVATE, Visibility.TEAM])
        other.save(update_fields=["visibility"])


def gathered(number: int, dimensions: int, *, mrl: bool = False, seed: int = 7) -> Crowd:
    """Put in so many items, by COPY. Each collection is about some topics more than others."""
    chance, noise = random.Random(seed), np.random.default_rng(seed)
    people = [User.objects.create_user(f"person{n}") for n in range(PEOPLE)]
    teams = [Team.objects.create(name=f"team{n}") for n in range(TEAMS)]
    places = [
        Collection.objects.create(
            team=team,
            name=f"place{n}",
            visibility=chance.choice([Visibility.PRIVATE, Visibility.TEAM, Visibility.TEAM]),
            created_by=chance.choice(people),
        )
        for team in teams
        for n in range(PLACES)
    ]
    space = Space.objects.create(
        adapter="x", embedder="x", dimensions=dimensions, mrl=mrl, status="active", activated_at=NEWEST
    )
    tables.create(space.pk, dimensions)
    # A topic is at home in a few collections, which makes filters that hold a question's neighbours, or none of them.
    homes = [[one.pk for one in chance.sample(places, 5)] for _ in range(TOPICS)]
    crowd = Crowd(
        space,
        vectors_of(noise, number, dimensions),
        people,
        teams,
        {one.pk: one for one in places},
        collection=np.array([chance.choice(homes[n % TOPICS]) for n in range(number)]),
        kind=np.array(chance.choices(("image", "screenshot", "text"), (70, 15, 15), k=number)),
        by=np.array([one.pk for one in chance.choices(people, k=number)]),
        made=np.datetime64(NEWEST.replace(tzinfo=None)) - noise.integers(1_000_000, size=number).astype("m8[m]"),
        # Few things come first, as in life: one tag is on a third of all items, another on one in a thousand.
        tags=noise.random((number, TAGS)) < 0.35 * 0.55 ** np.arange(TAGS),
        homes=homes,
    )
    for user in people:
        for team in chance.sample(teams, 3):
            Membership.objects.create(user=user, team=team, role=chance.choice(list(Role)))
            crowd.members.add((user.pk, team.pk))
    _write(crowd)
    return crowd


def vectors_of(noise: np.random.Generator, number: int, dimensions: int) -> np.ndarray:
    """Unit vectors around topics, off the origin, with less and less to say: (number, dimensions)."""
    scale = (1 + np.arange(dimensions) / 16) ** -0.5
    hubs = np.random.default_rng(1).normal(size=(TOPICS, dimensions))
    cone = np.random.default_rng(2).normal(size=dimensions)
    topics = np.arange(number) % TOPICS
    rows = (hubs[topics] + 0.7 * noise.normal(size=(number, dimensions)) + 2 * cone) * scale
    unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    return unit


def _write(crowd: Crowd) -> None:
    tags = {(team.pk, n): Tag.objects.create(team=team, name=f"tag{n}").pk for team in crowd.teams for n in range(TAGS)}
    teams = {pk: place.team_id for pk, place in crowd.places.items()}
    rows = [
        (FIRST + n, teams[place], place, kind, "text" if kind == "text" else "image", by, made.replace(tzinfo=UTC))
        for n, (place, kind, by, made) in enumerate(
            zip(*(one.tolist() for one in (crowd.collection, crowd.kind, crowd.by, crowd.made)), strict=True)
        )
    ]
    tagged = np.argwhere(crowd.tags).tolist()
    with transaction.atomic():
        _copy(
            "item",
            (
                (pk, uuid.uuid4(), team, place, kind, "rule", "x", "", "", 9, 9, by, made)
                for pk, team, place, kind, _channel, by, made in rows
            ),
        )
        _copy("part", ((pk, pk, channel, "content", 0, "", "", "", "{}") for pk, *_, channel, _by, _made in rows))
        _copy("item_tag", ((FIRST + place, tags[rows[place][1], tag], "person") for place, tag in tagged))
        codes = [tables.code_of(vector, None) for vector in crowd.vectors]
        tables.copy_in(
            crowd.space.pk,
            (
                dict(zip(tables.COLUMNS, (row[0], *row, HalfVector(vector), code, 0, b"-"), strict=True))
                for row, vector, code in zip(rows, crowd.vectors, codes, strict=True)
            ),
        )


def _copy(table: str, rows: Iterable[tuple[object, ...]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    with (
        tables.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy,
    ):
        for row in rows:
            copy.write_row(row)
