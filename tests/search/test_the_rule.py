"""The rule: as many hits as there are visible, nothing foreign, and the right ones, whatever team, rights and filters.

One table of 20,000 vectors, with all three ways to them: at the marks of the product the small ones, and at lower marks
the walk through a graph, too.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from searchsite.indexing import centres, indexes, tables
from searchsite.indexing.models import Space
from searchsite.library.scope import scope_for
from searchsite.search import access, vectors
from searchsite.search.access import Way
from searchsite.search.bounds import bounds_for
from searchsite.search.pace import Budget
from searchsite.search.questions import Filters, Question
from tests.search.crowd import FIRST, NEWEST, TAGS, TOPICS, Crowd, gathered

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER, DIMENSIONS = 20_000, 128
TIE = 1e-3
"""Numbers of 16 bits: who lies that near to the tenth is as good as the tenth."""
FAR = NUMBER // 100
"""The filters leave none of so many nearest."""


@dataclass
class Score:
    """What the cases came to."""

    recalls: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    ways: set[Way] = field(default_factory=set)


@pytest.fixture
def crowd(monkeypatch):
    monkeypatch.setattr(indexes, "GRAPH_FROM", 2_500)
    crowd = gathered(NUMBER, DIMENSIONS)
    centres.improve(crowd.space, seconds=120)
    crowd.space.refresh_from_db()
    with tables.cursor() as cursor:
        cursor.execute(tables.query("VACUUM ANALYZE {table}", crowd.space.pk))
        cursor.execute("ANALYZE item, part, item_tag, tag, collection")
    assert indexes.build(crowd.space) == ["image", "text"]
    crowd.space = Space.objects.get()
    yield crowd
    tables.drop(crowd.space.pk)


def filters(chance: random.Random, crowd: Crowd, seen: set[int]) -> Filters:
    """Some filters: mostly none or one, at times several."""
    some = {name for name in ("kinds", "collections", "tags", "by", "after", "before") if chance.random() < 0.2}
    places = [crowd.places[pk].public_id for pk in sorted(seen)]
    day = (NEWEST - timedelta(days=chance.randrange(1, 650))).date()
    return Filters(
        kinds=tuple(chance.sample(["image", "screenshot", "text"], 1 + chance.randrange(2))) if "kinds" in some else (),
        collections=tuple(chance.sample(places, min(len(places), 1 + chance.randrange(3))))
        if "collections" in some
        else (),
        tags=tuple({f"tag{min(chance.randrange(TAGS), chance.randrange(TAGS))}"}) if "tags" in some else (),
        by=chance.choice(crowd.people).username if "by" in some else None,
        after=day if "after" in some else None,
        before=day if "before" in some and "after" not in some else None,
    )


def ask(chance: random.Random, crowd: Crowd, score: Score) -> None:
    """One case: somebody asks with filters for what is near to something, which may be a stranger's."""
    if chance.random() < 0.2:
        crowd.change_rights(chance)
    user, team = chance.choice(crowd.people), chance.choice(crowd.teams)
    seen = crowd.may_see(user, team)
    scope = scope_for(user, team)
    assert set(scope.collection_ids) == seen
    chosen = filters(chance, crowd, seen)
    channel = "text" if chance.random() < 0.15 else "image"
    noise = np.random.default_rng(chance.randrange(2**32)).normal(size=DIMENSIONS)
    strange = crowd.strange(seen) if chance.random() < 0.3 else []
    near = (
        crowd.vectors[chance.choice(strange) + TOPICS * chance.randrange(NUMBER // TOPICS - 1)]
        if strange
        else (crowd.vectors[chance.randrange(NUMBER)])
    )
    asked = (near + chance.choice([0.02, 0.04]) * noise).astype(np.float32)
    asked /= np.linalg.norm(asked)
    bounds = bounds_for(Question(filters=chosen), scope, Budget())
    visible = crowd.visible(user, team, chosen, channel)
    if bounds is None:
        assert not len(visible)
        return
    score.ways.add(access.way_to(crowd.space, channel, bounds))
    found = vectors.nearest(crowd.space, channel, asked, bounds)
    check(crowd, asked, visible, found, score, channel)


def check(crowd, asked, visible, found, score, channel) -> None:
    ids = [near.item_id for near in found]
    allowed = set((visible + FIRST).tolist())
    assert set(ids) <= allowed
    assert len(ids) == len(set(ids))
    assert len(ids) >= min(vectors.DEPTH, len(allowed))
    assert [near.similarity for near in found] == sorted((near.similarity for near in found), reverse=True)
    if not ids:
        return
    cosines = crowd.vectors @ asked
    own = np.sort(cosines[visible])[::-1]
    k = min(10, len(own))
    rank = int((cosines[crowd.of(channel)] > own[0]).sum())
    if rank >= FAR:
        score.far.append((1 - found[k - 1].similarity) / (1 - own[k - 1]))
    else:
        good = sum(near.similarity >= own[k - 1] - TIE for near in found[:k])
        score.recalls.append(good / k)


def run(crowd: Crowd, cases: int, *, seed: int) -> Score:
    chance, score = random.Random(seed), Score()
    for _ in range(cases):
        ask(chance, crowd, score)
    assert len(score.recalls) > cases / 4
    assert len(score.far) > cases / 40
    assert np.mean(score.recalls) >= 0.98
    assert max(score.far) <= 1.01
    return score


@pytest.mark.parametrize("cases", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_hits_are_whole_own_and_right_whatever_the_filters(crowd, cases, monkeypatch):
    assert run(crowd, cases, seed=cases).ways == {Way.EXACT, Way.CODES}
    monkeypatch.setattr(access, "EXACT_UP_TO", 200)
    monkeypatch.setattr(access, "CODES_UP_TO", 2_000)
    assert run(crowd, cases, seed=cases + 1).ways == {Way.EXACT, Way.CODES, Way.GRAPH}


def test_the_database_is_what_it_was():
    """The table of this module is gone: others would count its rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'embedding%%'")
        assert cursor.fetchone() == (0,)
