"""What the nearest that were found are of the true ones: measured, told, and mended by looking deeper."""

from __future__ import annotations

import numpy as np
import pytest

from searchsite.indexing import centres, finding, indexes, tables
from searchsite.indexing.models import Space
from searchsite.library.models import Collection, Item, Visibility
from searchsite.quality import recall
from searchsite.quality.models import StoredQuestion
from searchsite.search import access, vectors
from searchsite.search.bounds import Bounds
from tests.search.crowd import gathered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def space(monkeypatch):
    monkeypatch.setattr(indexes, "GRAPH_FROM", 500)
    monkeypatch.setattr(centres, "LEARN_AT", 600)
    monkeypatch.setattr(access, "EXACT_UP_TO", 50)
    monkeypatch.setattr(access, "CODES_UP_TO", 300)
    crowd = gathered(1_000, 96)
    centres.improve(crowd.space, seconds=60)
    with tables.cursor() as cursor:
        cursor.execute(tables.query("VACUUM ANALYZE {table}", crowd.space.pk))
    assert indexes.build(Space.objects.get()) == ["image"]
    yield Space.objects.get()
    tables.drop(crowd.space.pk)


def test_what_is_found_is_measured_and_told(space):
    assert recall.is_due(space, "image")
    measured = recall.check(space, seed=1)["image"]
    assert measured.recall >= 0.98
    assert measured.questions == recall.QUESTIONS
    noted = Space.objects.get()
    (told,) = (one for one in finding.findings(noted) if one.channel == "image")
    assert told.recall == round(measured.recall, 4)
    assert told.state == "graph"
    assert not recall.is_due(noted, "image")


def test_what_finds_too_little_looks_deeper(space, monkeypatch):
    truly = vectors.nearest
    monkeypatch.setattr(vectors, "nearest", lambda *asked: truly(*asked)[8:])
    assert recall.check(space, seed=1)["image"].recall < 0.5
    assert vectors.candidates_of(Space.objects.get(), "image") == 400
    recall.check(Space.objects.get(), seed=1)
    assert vectors.candidates_of(Space.objects.get(), "image") == 800
    recall.check(Space.objects.get(), seed=1)
    assert vectors.candidates_of(Space.objects.get(), "image") == vectors.MOST_WALKED


def test_what_has_plenty_to_spare_looks_less_deep(space):
    Space.objects.update(recall={"image": {"recall": 0.97, "candidates": 800, "graph": True, "vectors": 850, "at": 0}})
    assert recall.is_due(Space.objects.get(), "image")
    recall.check(Space.objects.get(), seed=1)
    assert vectors.candidates_of(Space.objects.get(), "image") == 400


def test_so_many_candidates_are_compared_as_were_measured_to_be_enough(space, monkeypatch):
    walked = []
    truly = vectors._Asked._rows

    def rows(self, statement, candidates, **own):
        walked.append(candidates)
        return truly(self, statement, candidates, **own)

    monkeypatch.setattr(vectors._Asked, "_rows", rows)
    everywhere = Bounds(0, tuple(Collection.objects.values_list("pk", flat=True)))
    asked = np.ones(96, dtype=np.float32) / np.float32(96**0.5)
    vectors.nearest(space, "image", asked, everywhere)
    Space.objects.update(recall={"image": {"candidates": 333}})
    vectors.nearest(Space.objects.get(), "image", asked, everywhere)
    assert walked == [vectors.DEPTH, 333]


def test_a_channel_that_grew_or_got_a_graph_is_due_again(space):
    recall.check(space, seed=1)
    noted = Space.objects.get()
    noted.graphs = {}
    assert recall.is_due(noted, "image")
    noted = Space.objects.get()
    noted.recall["image"]["vectors"] = 100
    assert recall.is_due(noted, "image")
    assert not recall.is_due(Space.objects.get(), "text")


def test_what_people_keep_asking_is_asked(space):
    """By an item that the person sees; what is gone, or was never theirs, is left out."""
    collection = Collection.objects.filter(visibility=Visibility.TEAM).first()
    assert collection is not None
    user = collection.team.memberships.get_or_create(user=collection.created_by)[0].user
    item = Item.objects.filter(collection=collection).first()
    foreign = Item.objects.exclude(team=collection.team).first()
    for one in (item, foreign):
        address = f"like={one.public_id}"
        StoredQuestion.objects.create(team=collection.team, asked_by=user, address=address, digest=address)
    asked = recall.questions(space, "image")
    assert len(asked) == recall.QUESTIONS
    with tables.cursor() as cursor:
        own = cursor.execute(tables.query("SELECT vector FROM {table} WHERE item_id = %s", space.pk), [item.pk])
        (vector,) = own.fetchone()
    assert asked[0] == pytest.approx(vector.to_numpy().astype(np.float32), abs=1e-3)
    assert len(recall._stored(space)) == 1
