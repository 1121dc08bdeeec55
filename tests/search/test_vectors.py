"""Nearest vectors: exact and by codes, over random data put in by COPY."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from django.db import connection
from pgvector import HalfVector

from searchsite.indexing import centres, tables
from searchsite.indexing.models import Space
from searchsite.library.models import Channel, Collection, Item, Kind, Part, PartRole
from searchsite.search import access, vectors
from searchsite.search.bounds import VECTOR, Bounds
from tests import made

pytestmark = pytest.mark.django_db
DIMENSIONS, LATENT = 256, 24


@dataclass
class Shelf:
    """A space with random vectors in two collections."""

    space: Space
    own: Bounds
    vectors: np.ndarray
    items: list[int]

    def similarities(self, vector: np.ndarray, among: slice) -> np.ndarray:
        stored = self.vectors[among].astype(np.float16).astype(np.float64)
        cosines: np.ndarray = stored @ vector / np.linalg.norm(stored, axis=1)
        return cosines

    def nearest_by_hand(self, vector: np.ndarray, count: int, among: slice) -> list[int]:
        order = np.argsort(-self.similarities(vector, among), kind="stable")
        return [self.items[among][place] for place in order[:count]]


def centre(space: Space) -> centres.Centre:
    found = centres.centre_of(space, "image")
    assert found is not None
    return found


def unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def like_embeddings(random: np.random.Generator, number: int) -> np.ndarray:
    """Few true dimensions, and far off the origin, so that codes that aren't centred are worthless."""
    ways = np.random.default_rng(5)
    latent = random.standard_normal((number, LATENT)) @ ways.standard_normal((LATENT, DIMENSIONS))
    return unit(latent + 15 * ways.standard_normal(DIMENSIONS))


def fill(number: int, seed: int = 1) -> Shelf:
    """Half of the items lie in one collection and half in a stranger's."""
    alice, charlie = made.person("alice"), made.person("charlie")
    ours, theirs = made.team_of(alice, "ours"), made.team_of(charlie, "theirs")
    shelves = [Collection.objects.create(team=team, name="shelf") for team in (ours, theirs)]
    owners = [shelf for shelf in shelves for _ in range(number)]
    items = Item.objects.bulk_create(
        [Item(team=shelf.team, collection=shelf, kind=Kind.IMAGE, title="x") for shelf in owners]
    )
    parts = Part.objects.bulk_create([Part(item=item, channel=Channel.IMAGE, role=PartRole.CONTENT) for item in items])
    random = np.random.default_rng(seed)
    rows = like_embeddings(random, 2 * number)
    space = Space.objects.create(adapter="x", embedder="x", dimensions=DIMENSIONS, status="active")
    tables.create(space.pk, DIMENSIONS)
    moments = dict(Item.objects.values_list("pk", "created_at"))
    tables.copy_in(
        space.pk,
        (
            {
                "item_id": item.pk,
                "part_id": part.pk,
                "team_id": item.team_id,
                "collection_id": item.collection_id,
                "kind": item.kind,
                "channel": "image",
                "created_by": None,
                "created_at": moments[item.pk],
                "vector": HalfVector(row),
                "code": tables.code_of(row, None),
                "code_version": 0,
                "input_hash": b"",
            }
            for item, part, row in zip(items, parts, rows, strict=True)
        ),
    )
    return Shelf(space, Bounds(ours.pk, (shelves[0].pk,)), rows, [item.pk for item in items])


@pytest.mark.parametrize("seed", range(3))
def test_an_exact_scan_finds_what_a_loop_finds(seed):
    shelf = fill(300, seed)
    asked = unit(np.random.default_rng(99).standard_normal(DIMENSIONS))
    found = vectors.nearest(shelf.space, "image", asked, shelf.own)
    by_hand = np.sort(shelf.similarities(asked, slice(0, 300)))[::-1]
    assert [near.similarity for near in found[:50]] == pytest.approx(by_hand[:50], abs=1e-3)
    assert found[0].item_id == shelf.nearest_by_hand(asked, 1, slice(0, 300))[0]


def test_there_are_as_many_hits_as_there_are_visible_items():
    shelf = fill(120)
    asked = unit(np.ones(DIMENSIONS))
    assert len(vectors.nearest(shelf.space, "image", asked, shelf.own)) == 120


def test_foreign_rows_are_never_found():
    shelf = fill(150)
    for place in range(150, 300, 10):  # as near as can be to a foreign row
        found = vectors.nearest(shelf.space, "image", shelf.vectors[place], shelf.own)
        assert {near.item_id for near in found} <= set(shelf.items[:150])


def test_codes_and_the_exact_scan_agree():
    shelf = fill(2500)
    centres.improve(shelf.space, seconds=60)
    space = Space.objects.get()
    assert centre(space).ready
    agreement = []
    for seed in range(20):
        (asked,) = like_embeddings(np.random.default_rng(100 + seed), 1)
        found = [near.item_id for near in vectors.nearest(space, "image", asked, shelf.own)][:10]
        agreement.append(len(set(found) & set(shelf.nearest_by_hand(asked, 10, slice(0, 2500)))))
    assert np.mean(agreement) >= 9.5


def test_codes_of_two_versions_are_never_compared():
    shelf = fill(1200)
    centres._learn(shelf.space, "image")
    halfway = Space.objects.get()
    tables.recode(halfway.pk, "image", centre(halfway).mean, version=1, limit=500)
    asked = unit(np.ones(DIMENSIONS))
    found = [near.item_id for near in vectors.nearest(halfway, "image", asked, shelf.own)]
    # By codes of one version, half of the items would be missing.
    assert len(set(found[:20]) & set(shelf.nearest_by_hand(asked, 20, slice(0, 1200)))) >= 18


def test_a_mean_is_learnt_once_there_are_enough():
    shelf = fill(900)
    centres.improve(shelf.space, seconds=60)
    assert Space.objects.get().means == {}


def test_the_first_phase_reads_the_index_alone():
    shelf = fill(3000)
    centres.improve(shelf.space, seconds=60)
    space = Space.objects.get()
    statement = vectors.CODES.replace("<bounds>", shelf.own.conditions(VECTOR))
    values = shelf.own.values | {
        "channel": "image",
        "version": 1,
        "depth": 200,
        "candidates": 200,
        "kept": 5000,
        "more": 1000,
        "few": access.EXACT_UP_TO,
        "first": vectors.FIRST,
        "early_part": vectors.EARLY_PART,
        "vector": HalfVector(shelf.vectors[0]),
        "code": tables.code_of(shelf.vectors[0], centre(space).mean),
    }
    with tables.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables.name(space.pk)}")
        plan = cursor.execute(tables.query("EXPLAIN " + statement, space.pk), values).fetchall()
    assert any("Index Only Scan" in line for (line,) in plan), plan


def test_what_codes_tell_wrong_is_compared_where_it_is_little(monkeypatch):
    shelf, space = misleading(monkeypatch)
    monkeypatch.setattr(vectors, "DEEPEST", 5000)
    monkeypatch.setattr(vectors, "FIRST", 0)
    asked = shelf.vectors[7]
    assert nearest(shelf, space, asked, 10) != shelf.nearest_by_hand(asked, 10, slice(0, 3000))
    monkeypatch.setattr(access, "EXACT_UP_TO", 3000)
    assert nearest(shelf, space, asked, 10) == shelf.nearest_by_hand(asked, 10, slice(0, 3000))


def test_the_deeper_the_less_the_early_ones_settle(monkeypatch):
    shelf, space = misleading(monkeypatch)
    asked = shelf.vectors[7]
    assert nearest(shelf, space, asked, 10) != shelf.nearest_by_hand(asked, 10, slice(0, 3000))
    monkeypatch.setattr(vectors, "DEEPEST", 3000)
    assert nearest(shelf, space, asked, 10) == shelf.nearest_by_hand(asked, 10, slice(0, 3000))


def misleading(monkeypatch) -> tuple[Shelf, Space]:
    """Three thousand vectors whose codes say nothing of them."""
    shelf = fill(3000)
    centres.improve(shelf.space, seconds=60)
    space = Space.objects.get()
    lots = np.random.default_rng(1)
    with tables.cursor() as cursor:
        cursor.execute(f"SELECT item_id FROM {tables.name(space.pk)}")
        items = [item for (item,) in cursor.fetchall()]
        codes = [tables.code_of(lots.normal(size=space.dimensions).astype(np.float32), None) for _ in items]
        change = f"UPDATE {tables.name(space.pk)} SET code = %b WHERE item_id = %s"
        cursor.executemany(change, list(zip(codes, items, strict=True)))
    monkeypatch.setattr(access, "EXACT_UP_TO", 100)
    monkeypatch.setattr(vectors, "DEEPEST", 1000)
    return shelf, space


def nearest(shelf: Shelf, space: Space, asked, number: int) -> list[int]:
    found = vectors.nearest(space, "image", asked, shelf.own, enough=vectors.Enough(number, 1))
    return [near.item_id for near in found[:number]]


def test_one_long_text_does_not_hide_the_others(inbox, fake):
    long = made.note(inbox, "tulips " * 30_000)
    others = [made.note(inbox, f"rose number {n}") for n in range(30)]
    made.work_through_everything()
    assert long.parts.count() > 100
    space = made.active_space()
    bounds = Bounds(inbox.scope.team_id, inbox.scope.collection_ids)
    found = vectors.nearest(space, "text", fake.vector("tulips"), bounds)
    assert {item.pk for item in others} <= {near.item_id for near in found}


def test_the_table_goes_with_its_space():
    shelf = fill(3)
    tables.drop(shelf.space.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [tables.name(shelf.space.pk)])
        assert cursor.fetchone() == (None,)


def test_how_many_are_seen_is_estimated_once_for_the_same_bounds(monkeypatch):
    shelf = fill(10)
    asked = []
    monkeypatch.setattr(access.tables, "expected", lambda *_: asked.append(1) or 5)
    monkeypatch.setattr(access, "KEPT_SECONDS", 1e9)
    for _ in range(3):
        # As a search has them, that leaves out the items it asks by: none here.
        access._estimated(shelf.space, "image", shelf.own.lacking(()))
    assert len(asked) == 1
    for _ in range(3):
        access._estimated(shelf.space, "image", shelf.own.lacking([1]))
    assert len(asked) == 4


def test_each_statement_of_a_search_has_what_time_is_left(monkeypatch):
    shelf = fill(300)
    monkeypatch.setattr(vectors, "DEEPEST", 40)
    said = []
    vectors.nearest(
        shelf.space, "image", shelf.vectors[0], shelf.own, enough=vectors.Enough(8, 300), before=lambda: said.append(1)
    )
    assert len(said) > 5
