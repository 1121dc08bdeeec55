"""What similarities mean in a space is measured, for whatever embedder made it."""

from __future__ import annotations

import numpy as np
import pytest

from searchsite.indexing import calibration, pairs, spaces, upkeep
from searchsite.indexing.models import Space
from searchsite.library.scope import scope_for
from searchsite.quality import banding
from searchsite.search import find
from searchsite.search.questions import Question, Term
from tests import made
from tests.people import alice, inbox, team
from tests.served import fake

__all__ = ["alice", "fake", "inbox", "team"]


@pytest.fixture
def space(fake, inbox, db) -> Space:
    for number in range(20):
        made.note(inbox, f"A red house number {number}")
    made.work_through_everything()
    return made.active_space()


def levels_of(space: Space) -> dict:
    return Space.objects.get(pk=space.pk).calibration


def test_levels_follow_from_the_lower_half_of_what_is_found_by_chance():
    chance = np.random.default_rng(1).gumbel(0.2, 0.03, 400)
    alone = calibration.levels(chance, [0.5] * 40, 0.1)
    # A third of the questions has answers in this library after all.
    mixed = calibration.levels([*chance[:270], *[0.9] * 130], [0.5] * 40, 0.1)
    assert alone["strong"] == pytest.approx(np.quantile(chance, 0.975), abs=0.03)
    assert mixed["strong"] < 0.5 < 0.9


@pytest.mark.parametrize(("matched", "share"), [(0.9, 0.9), (0.0, 0.25)])
def test_likely_is_what_pairs_reach_within_what_chance_allows(matched, share):
    chance = np.random.default_rng(2).gumbel(0.2, 0.03, 4000)
    found = calibration.levels(chance, [matched] * 40, 0.1)
    assert found["likely"] == pytest.approx(np.quantile(chance, share), abs=0.01)
    assert found["likely"] <= found["strong"]


def test_a_space_that_answers_is_calibrated_by_upkeep(space, monkeypatch):
    assert space.calibration == {}
    monkeypatch.setattr(upkeep, "_looked_at", -1e9)
    upkeep.sweep()
    found = levels_of(space)
    assert found.keys() == {"text", "image", "short-text", "short-image", "picture-image", "picture-text", "of"}
    assert all({"floor", "likely", "strong"} <= found[name].keys() for name in found.keys() - {"of"})
    assert found["of"]["vectors"] == 20


def test_it_goes_on_where_time_ran_out(space, fake):
    for _ in range(3):
        calibration.improve(space, seconds=0.0)
    assert levels_of(space) == {}
    calibration.improve(space, seconds=60.0)
    assert levels_of(space)


def test_an_embedder_that_is_away_is_asked_again_later(space, fake):
    fake.fault = "closed"
    calibration.improve(space, seconds=60.0)
    assert levels_of(space) == {}
    fake.fault = None
    calibration.improve(space, seconds=60.0)
    assert levels_of(space) == {}, "at once is too soon"
    calibration.forget()
    calibration.improve(space, seconds=60.0)
    assert levels_of(space)


def test_only_a_far_larger_library_is_measured_anew(space):
    calibration.improve(space, seconds=60.0)
    known = Space.objects.get(pk=space.pk)
    assert not calibration.is_due(known, 399) and calibration.is_due(known, 400)
    known.calibration["of"]["rule"] = 0
    assert calibration.is_due(known, 20)


def test_a_space_of_texts_has_levels_for_texts(space):
    Space.objects.update(takes_pictures=False)
    space.refresh_from_db()
    calibration.improve(space, seconds=60.0)
    assert levels_of(space).keys() == {"text", "short-text", "of"}


def test_hits_are_then_rated(space, team, alice):
    calibration.improve(space, seconds=60.0)
    found = find.find(Question((Term(text="red house number 7"),)), scope_for(alice, team))
    assert found.hits[0].band == "strong"
    nothing = find.find(Question((Term(text="qqq zzz xxx"),)), scope_for(alice, team))
    assert {hit.band for hit in nothing.hits} == {"weak"}


def test_what_it_is_measured_by_is_not_what_it_is_judged_by():
    drawn = [one.text for one in pairs.unrelated()]
    assert not set(drawn) & set(banding.nonsense()) and len(set(banding.nonsense())) == 200
    assert len(set(drawn)) == pairs.UNRELATED and drawn == [one.text for one in pairs.unrelated()]
    assert len(pairs.texts()) > 50 and len(pairs.pictures()) > 30


def test_letters_that_are_no_word_raise_what_is_strong_alone():
    channel = calibration._Channel(np.eye(4, dtype=np.float32), np.zeros((calibration.FEWEST, 4), np.float32))
    low, high = (np.full((50, 4), level, np.float32) for level in (0.2, 0.6))
    words, both = channel.strange(low, low), channel.strange(low, high)
    assert both["strong"] == channel.strange(high, low)["strong"] > words["strong"]
    assert both["likely"] == words["likely"]


def test_single_words_are_embedded_once_and_the_rest_is_not_paid_for_again(space, fake, monkeypatch):
    calibration.improve(space, seconds=60.0)
    known = len(fake.requests)
    monkeypatch.setattr(calibration, "RULE", calibration.RULE + 1)
    calibration.forget()
    space.refresh_from_db()
    calibration.improve(space, seconds=60.0)
    assert levels_of(space)["of"]["rule"] == calibration.RULE and len(fake.requests) == known


def test_the_single_words_are_many_and_not_judged_by():
    drawn = [one.text for kind in pairs.SHORT for one in pairs.short(kind)]
    assert 80 <= len(set(drawn)) == len(drawn) <= 100 and not set(drawn) & set(banding.nonsense())
    assert all(len(word.split()) == 1 for word in drawn)


def test_other_spaces_are_left_alone(space):
    Space.objects.update(status="retired")
    space.refresh_from_db()
    calibration.improve(space, seconds=60.0)
    assert levels_of(space) == {} and spaces.active() is None


def test_the_built_in_embedder_tells_what_belongs_together(inference_server, inbox, db):
    made.note(inbox, "The boiler makes noises: bleed the radiators.")
    made.work_through_everything()
    space = made.active_space()
    calibration.improve(space, seconds=300.0)
    found = levels_of(space)
    embedded = calibration._embedded(space, float("inf"))
    texts = calibration._Channel(embedded["passages"], calibration.sample(space, "text"))
    matched = texts.to_own(embedded["questions"], np.arange(len(embedded["questions"])))
    assert np.mean(matched >= found["text"]["likely"]) > 0.8
    assert np.mean(texts.best(embedded["unrelated"]) >= found["text"]["strong"]) < 0.05
    assert np.mean(texts.best(embedded["letters"]) >= found["short-text"]["strong"]) < 0.1
