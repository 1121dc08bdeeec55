"""How sure a hit is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import numpy as np
import pytest

from searchsite.indexing.models import Space
from searchsite.inference.types import EmbedInput
from searchsite.library.models import Item
from searchsite.search import asking, bands, find
from searchsite.search.bands import Levels
from searchsite.search.every import every
from searchsite.search.facets import facets
from searchsite.search.find import Results
from searchsite.search.fuse import fuse
from searchsite.search.questions import Question, Term, from_query, to_query
from searchsite.search.vectors import Near
from tests import made
from tests.search.test_every import paged, scope

__all__ = ["scope"]
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = {"text": Levels(0.3, 0.5), "image": Levels(0.1, 0.25)}


def near(item: int, similarity: float | None = None, share: float = 1.0, *, guessed: bool = False) -> Near:
    return Near(item, item, MOMENT, similarity, share, guessed, share)


def rated(levels=LEVELS, quoted=(), **channels) -> dict[int, str | None]:
    return {one.item_id: one.band for one in bands.rated(fuse(channels), levels, quoted)}


def test_each_channel_has_levels_of_its_own():
    assert rated(text=[near(1, 0.6), near(2, 0.4), near(3, 0.2)]) == {1: "strong", 2: "likely", 3: "weak"}
    assert rated(image=[near(1, 0.26), near(2, 0.2), near(3, 0.05)]) == {1: "strong", 2: "likely", 3: "weak"}


def test_what_a_question_has_in_common_with_everything_says_nothing():
    assert rated({"text": Levels(0.3, 0.5, expected=0.3)}, text=[near(1, 0.55)]) == {1: "weak"}


def test_a_hit_must_stand_beside_the_best():
    assert rated(text=[near(1, 0.95), near(2, 0.55), near(3, 0.35)]) == {1: "strong", 2: "likely", 3: "weak"}


def test_what_comes_close_to_a_likely_one_is_likely():
    assert rated(text=[near(1, 0.31), near(2, 0.22)]) == {1: "likely", 2: "likely"}
    assert rated(text=[near(1, 0.29), near(2, 0.22)]) == {1: "weak", 2: "weak"}


def test_a_quoted_text_is_strong_whatever_else_it_says():
    assert rated(quoted={2}, text=[near(1, 0.1), near(2, 0.0)]) == {1: "weak", 2: "strong"}


def test_all_words_are_strong_where_few_have_them_and_likely_where_many_do():
    weak = [near(1, 0.1)]
    assert rated(text=weak, words=[near(1)]) == {1: "strong"}
    assert set(rated(text=weak, words=[near(n) for n in range(11)]).values()) == {"likely"}


def test_half_of_the_words_are_likely_and_fewer_weak():
    found = rated(text=[near(3, 0.1)], words=[near(1, share=0.6), near(2, share=0.3)])
    assert found == {1: "likely", 2: "weak", 3: "weak"}


def test_guessed_tags_count_as_words_only_where_they_say_all():
    assert rated(text=[near(1, 0.9, guessed=True)], image=[near(1, 0.0)]) == {1: "weak"}
    found = rated(words=[near(1, guessed=True), near(2, share=0.9, guessed=True)])
    assert found == {1: "likely", 2: "weak"}


def test_without_pictures_vectors_their_tags_stand_for_them():
    assert rated({"text": LEVELS["text"]}, text=[near(1, 0.9, guessed=True)]) == {1: "strong"}


def test_a_reranker_moves_no_band():
    assert rated(text=[near(1, 0.1)], reranker=[near(1, 0.99)]) == {1: "weak"}


def test_where_nobody_can_tell_there_is_no_band():
    assert rated({}, text=[near(1, 0.9)], words=[near(2)]) == {1: None, 2: None}


def test_the_levels_are_those_of_what_is_asked_with():
    mean = np.array([1, 0], dtype="<f2")
    own = {"likely": 0.2, "strong": 0.4, "mean": base64.b64encode(mean.tobytes()).decode()}
    space = Space(calibration={"image": own, "picture-image": {"likely": 0.6, "strong": 0.8}, "text": {"floor": 0.1}})
    vector = np.array([0.5, 0.8], dtype=np.float32)
    assert bands.levels_for(space, vector, pictured=False) == {"image": Levels(0.2, 0.4, 0.5)}
    assert bands.levels_for(space, vector, pictured=True) == {"image": Levels(0.6, 0.8, 0.5)}


def test_a_single_word_has_levels_of_its_own():
    long, short = {"likely": 0.2, "strong": 0.3}, {"likely": 0.3, "strong": 0.5}
    vector = np.array([0.5, 0.8], dtype=np.float32)
    space = Space(calibration={"text": long, "short-text": short, "image": long, "picture-image": {}})
    found = bands.levels_for(space, vector, short=True)
    assert found == {"text": Levels(0.3, 0.5), "image": Levels(0.2, 0.3)}, "those of an earlier rule hold until then"
    assert bands.levels_for(space, vector)["text"] == Levels(0.2, 0.3)
    assert bands.levels_for(space, vector, pictured=True, short=True) == {}


@pytest.mark.parametrize(
    ("said", "short"),
    [
        (["blorf"], True),
        (["!!!"], True),
        (["猫"], True),
        (["two words"], False),
        (["one", "more"], False),
        (["猫はどこで寝ていますか"], False),
        ([], False),
    ],
)
def test_what_a_single_word_is(said, short):
    away = asking.Resolved(-1.0, embed=EmbedInput(text="not this one"))
    terms = [asking.Resolved(1.0, embed=EmbedInput(text=text)) for text in said]
    assert asking.is_short([*terms, away]) is short


def test_an_item_beside_a_word_is_no_single_word():
    word = asking.Resolved(1.0, embed=EmbedInput(text="cat"))
    assert not asking.is_short([word, asking.Resolved(1.0, item=Item(kind="text"))])


def test_the_search_asks_with_the_levels_of_single_words(house, scope):
    Space.objects.update(
        calibration={"text": {"likely": 0.0, "strong": 0.0}, "short-text": {"likely": 2.0, "strong": 2.0}}
    )
    one, several = (find.find(Question((Term(text=text),)), scope).hits for text in ("crimson", "crimson tower"))
    assert {hit.band for hit in one} == {"weak"} and "strong" in {hit.band for hit in several}


def test_weak_hits_are_left_out_last_or_where_they_rank():
    found = [
        one._replace(band=band)
        for one, band in zip(
            fuse({"text": [near(n, 0.9 - n / 9) for n in (1, 2, 3)]}), ("likely", "weak", "strong"), strict=True
        )
    ]
    ids = [[one.item_id for one in bands.arranged(found, weak, by_rank=True)] for weak in (None, True, False)]
    assert ids == [[1, 2, 3], [1, 3, 2], [1, 3]]
    assert [one.item_id for one in bands.arranged(found, True, by_rank=False)] == [1, 2, 3]


@pytest.fixture
def house(fake, inbox, team, alice) -> None:
    """Twenty notes about red houses and thirty of something else, in a space that knows what is alike."""
    for number in range(20):
        made.note(inbox, f"A red house number {number}")
    for number in range(30):
        made.note(inbox, f"Something blue {number}")
    made.work_through_everything()
    Space.objects.update(calibration={"text": {"likely": 0.45, "strong": 0.9}})


def asked(scope, weak: bool | None, **more) -> tuple[Question, Results]:
    question = Question((Term(text="red house near"),), limit=7, weak=weak, **more)
    return question, find.find(question, scope)


def test_all_pages_counts_and_facets_agree_on_what_is_left_out(house, scope):
    whole, everything = asked(scope, weak=None)
    question, results = asked(scope, weak=False)
    assert 0 < results.total_estimate < everything.total_estimate
    assert results.total_estimate + results.weak == everything.total_estimate and everything.weak == results.weak
    shown = every(question, scope)
    assert sorted(shown) == sorted(paged(question, scope)) and len(shown) == results.total_estimate
    assert facets(question, scope, ["kind"]).values["kind"][0].count == results.total_estimate
    assert len(every(whole, scope)) == everything.total_estimate


def test_what_was_folded_away_follows_what_was_shown(house, scope):
    folded, all_of_it = (every(asked(scope, weak=weak)[0], scope) for weak in (False, True))
    assert all_of_it[: len(folded)] == folded and len(all_of_it) > len(folded)
    (newest, results) = asked(scope, weak=False, sort="newest")
    assert set(every(newest, scope)) == set(folded)
    assert all(hit.band != "weak" for hit in results.hits)


def test_by_words_alone_nothing_is_weak(house, scope):
    assert {hit.band for hit in asked(scope, weak=False, mode="words")[1].hits} == {None}


def test_browsing_has_no_bands(house, scope):
    results = find.find(Question(weak=False), scope)
    assert {hit.band for hit in results.hits} == {None} and results.weak == 0


@pytest.mark.parametrize("said", ["weak=true", "weak=false"])
def test_an_address_says_what_becomes_of_them(said):
    name, _, value = said.partition("=")
    assert said in to_query(from_query({"q": "boat", name: value}))
    assert "weak" not in to_query(from_query({"q": "boat"}))
