"""Graphs of neighbours: made once a channel is large, of what its vectors are like, and never believed blindly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from django.db import connection, connections

from searchsite.indexing import centres, indexes, plan, spaces, tables
from searchsite.indexing.alone import Work, alone
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from searchsite.library.models import Item
from searchsite.search import access, vectors
from searchsite.search.access import Way
from searchsite.search.bounds import VECTOR, Bounds
from tests.search.crowd import gathered

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 1_000
DESIGNS = {"vector": (96, False), "prefix": (640, True), "code": (640, False)}


@pytest.fixture(autouse=True)
def low_marks(monkeypatch):
    monkeypatch.setattr(indexes, "GRAPH_FROM", 500)
    monkeypatch.setattr(centres, "LEARN_AT", 600)
    monkeypatch.setattr(access, "EXACT_UP_TO", 100)
    monkeypatch.setattr(access, "CODES_UP_TO", 300)


@pytest.fixture
def crowd(request):
    dimensions, mrl = DESIGNS[getattr(request, "param", "vector")]
    crowd = gathered(NUMBER, dimensions, mrl=mrl)
    centres.improve(crowd.space, seconds=60)
    with tables.cursor() as cursor:
        cursor.execute(tables.query("VACUUM ANALYZE {table}", crowd.space.pk))
    crowd.space = Space.objects.get()
    yield crowd
    tables.drop(crowd.space.pk)


def everywhere(crowd) -> Bounds:
    return Bounds(0, tuple(crowd.places))


def built(crowd) -> Space:
    assert indexes.build(crowd.space) == ["image"]
    return Space.objects.get()


@pytest.mark.parametrize(("crowd", "design"), [(one, one) for one in DESIGNS], indirect=["crowd"])
def test_a_walk_finds_what_a_loop_finds(crowd, design):
    assert indexes.design_of(crowd.space).of == design
    space = built(crowd)
    own = np.flatnonzero(crowd.of("image"))
    good = 0
    for place in range(0, 400, 20):
        asked = crowd.vectors[place]
        assert access.way_to(space, "image", everywhere(crowd)) is Way.GRAPH
        found = vectors.nearest(space, "image", asked, everywhere(crowd))
        assert len(found) >= vectors.DEPTH
        tenth = np.sort(crowd.vectors[own] @ asked)[-10]
        good += sum(near.similarity >= tenth - 1e-3 for near in found[:10])
    assert good >= 196


@pytest.mark.parametrize("crowd", list(DESIGNS), indirect=True)
def test_the_walk_is_by_the_graph(crowd):
    asked = vectors._Asked(built(crowd), "image", crowd.vectors[0], everywhere(crowd), 100)
    before = walks()
    with made_to_walk():
        asked.by_graph(50)
    until = time.monotonic() + 30
    while walks() == before:
        assert time.monotonic() < until


def test_a_walk_goes_as_far_as_it_is_told_and_says_so_to_nobody_else(crowd):
    space = built(crowd)
    found = vectors._Asked(space, "image", crowd.vectors[0], everywhere(crowd), 400).by_graph(400)
    assert len(found.found) == 400
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')")
        assert cursor.fetchone() == ("40", "off")


def test_what_a_walk_finds_is_sorted_again(crowd):
    """Graphs of the vector itself go by the same distance, yet a long walk does not find in its order."""
    values = everywhere(crowd).values | {"vector": vectors.HalfVector(crowd.vectors[0]), "candidates": 10}
    statement = vectors.GRAPH.replace("<channel>", "image").replace("<distance>", vectors.DISTANCES["vector"])
    with made_to_walk(), tables.cursor() as cursor:
        bounded = "EXPLAIN " + statement.replace("<bounds>", everywhere(crowd).conditions(VECTOR))
        plan = [line for (line,) in cursor.execute(tables.query(bounded, built(crowd).pk), values)]
    assert plan[0].startswith("Sort"), plan
    assert any("graph" in line for line in plan), plan


@contextmanager
def made_to_walk() -> Iterator[None]:
    """Of so few, to sort them all costs Postgres about as much."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_sort = off")
        yield
        cursor.execute("RESET enable_sort")


def walks() -> int:
    """How often a graph was used, as far as Postgres has counted by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname LIKE '%%graph%%'")
        return int(cursor.fetchone()[0])


def test_exact_scans_and_codes_do_not_walk(crowd):
    space = built(crowd)
    for statement in (vectors.EXACT, vectors.CODES):
        values = everywhere(crowd).values | {
            "channel": "image",
            "vector": vectors.HalfVector(crowd.vectors[0]),
            "code": tables.code_of(crowd.vectors[0], None),
            "version": space.code_version,
            "depth": 10,
            "candidates": 10,
            "kept": 250,
            "more": 50,
            "few": access.EXACT_UP_TO,
            "first": vectors.FIRST,
            "early_part": vectors.EARLY_PART,
        }
        bounded = statement.replace("<bounds>", everywhere(crowd).conditions(VECTOR))
        with tables.cursor() as cursor:
            plan = cursor.execute(tables.query("EXPLAIN " + bounded, space.pk), values).fetchall()
        assert not any("graph" in line for (line,) in plan), plan


def test_a_walk_that_filters_leave_too_little_ends_with_the_codes(crowd, monkeypatch):
    space = built(crowd)
    place = crowd.collection[crowd.of("image")][0]
    few = Bounds(0, (int(place),))
    monkeypatch.setattr(access, "way_to", lambda *_: Way.GRAPH)
    monkeypatch.setattr(vectors, "MOST_WALKED", 40)
    visible = int((crowd.of("image") & (crowd.collection == place)).sum())
    found = vectors.nearest(space, "image", -crowd.vectors[0], few)
    assert len(found) == min(visible, vectors.DEPTH)


def test_a_small_channel_has_no_graph(crowd):
    assert indexes.lacking(crowd.space) == ["image"]
    space = built(crowd)
    assert space.graphs == {"image": True}
    assert not indexes.is_ready(space, "text")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s::regclass)", [indexes._name(space, "image")])
        assert cursor.fetchone()[0] > 100_000


def test_a_graph_that_was_dropped_by_hand_is_not_asked_any_more(crowd):
    space = built(crowd)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {indexes._name(space, 'image')}")
    indexes.follow(space)
    assert Space.objects.get().graphs == {}
    assert indexes.lacking(Space.objects.get()) == ["image"]


def test_a_graph_waits_while_much_is_on_the_way(crowd):
    items = list(Item.objects.filter(kind="image")[:300])
    Job.objects.bulk_create(plan.job(plan.EMBED, item) for item in items)
    assert indexes.lacking(crowd.space) == []
    Job.objects.filter(subject__in=[item.pk for item in items[:150]]).delete()
    assert indexes.lacking(crowd.space) == ["image"]


def test_what_an_interrupted_build_left_is_made_anew(crowd):
    name = indexes._name(crowd.space, "image")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {name} ON {tables.name(crowd.space.pk)} (part_id)")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name])
    indexes.follow(crowd.space)
    assert not indexes.is_ready(crowd.space, "image")
    space = built(crowd)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
        assert "hnsw" in cursor.fetchone()[0]
    assert indexes.is_ready(space, "image")


def test_only_one_process_builds(crowd):
    held, done = threading.Event(), threading.Event()

    def other() -> None:
        with alone(Work.INDEXES, crowd.space) as first:
            assert first
            held.set()
            done.wait(30)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    assert held.wait(30)
    assert indexes.build(crowd.space) == []
    done.set()
    thread.join()
    assert indexes.build(crowd.space) == ["image"]


def test_a_connection_is_afterwards_as_it_was(crowd):
    with connection.cursor() as cursor:
        cursor.execute(indexes.AS_IT_WAS)
        before = cursor.fetchone()
        built(crowd)
        cursor.execute(indexes.AS_IT_WAS)
        assert cursor.fetchone() == before


def test_a_space_that_goes_ends_the_build_that_is_in_the_way(crowd, monkeypatch):
    """A build waits for everyone who was there before it: here for somebody who does not end."""
    Space.objects.update(status="retired", retired_at="2026-01-01T00:00:00Z")
    space = Space.objects.get()
    begun, ended = threading.Event(), threading.Event()

    def somebody() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT count(*) FROM {tables.name(space.pk)}")
            begun.set()
            ended.wait(60)
            cursor.execute("ROLLBACK")
        connections.close_all()

    def builder() -> None:
        try:
            indexes.build(space)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for one in (somebody, builder)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    while not indexes.builds(space):
        assert threads[1].is_alive()
    ended.set()
    threads[0].join()
    spaces.drop(space)
    threads[1].join(60)
    assert not Space.objects.exists() or spaces.sweep_dropped() is None
    assert not Space.objects.exists()


def test_a_mean_that_has_drifted_is_learnt_anew_and_searches_go_on_meanwhile(crowd, monkeypatch):
    space = crowd.space
    before = centres.centre_of(space, "image")
    assert before is not None
    assert not centres.has_drifted(space, "image", before)
    moved = before.mean + 0.3 * np.sign(np.random.default_rng(3).normal(size=96)).astype(np.float32)
    with tables.cursor() as cursor:
        cursor.execute(
            tables.query("UPDATE {table} SET vector = vector + %b WHERE channel = 'image'", space.pk),
            [vectors.HalfVector(moved)],
        )
    assert centres.has_drifted(space, "image", before)
    centres._learn(space, "image", instead_of=before)
    halfway = Space.objects.get()
    between = centres.centre_of(halfway, "image")
    assert between is not None
    assert [version for version, _mean in between.versions] == [between.version, before.version]
    tables.recode(halfway.pk, "image", between.mean, version=between.version, limit=400)
    assert access.way_to(halfway, "image", everywhere(crowd)) is Way.CODES
    stored = crowd.vectors + moved
    own = np.flatnonzero(crowd.of("image"))
    for place in range(0, 100, 10):
        asked = stored[place] / np.linalg.norm(stored[place])
        found = vectors.nearest(halfway, "image", asked, everywhere(crowd))
        cosines = stored[own] @ asked / np.linalg.norm(stored[own], axis=1)
        assert sum(near.similarity >= np.sort(cosines)[-10] - 2e-3 for near in found[:10]) >= 9
    centres.improve(halfway, seconds=60)
    after = centres.centre_of(Space.objects.get(), "image")
    assert after is not None
    assert after.ready
    assert after.before is None
    assert after.version == between.version


def test_what_a_walk_does_not_find_it_is_not_sent_for_again(crowd, monkeypatch):
    space = built(crowd)
    few = Bounds(0, (int(crowd.collection[crowd.of("image")][0]),))
    walked = []
    truly = vectors._Asked.by_graph
    monkeypatch.setattr(access, "way_to", lambda *_: Way.GRAPH)
    monkeypatch.setattr(vectors._Asked, "by_graph", lambda self, depth: walked.append(depth) or truly(self, depth))
    vectors.nearest(space, "image", crowd.vectors[0], few)
    assert walked == [vectors.DEPTH]
    walked.clear()
    # What was found whole, but of too few items, is looked for farther on.
    vectors.nearest(space, "image", crowd.vectors[0], everywhere(crowd), enough=vectors.Enough(40, 150))
    assert walked == [40, 200]
