"""Several terms become one direction."""

from __future__ import annotations

import numpy as np
import pytest

from searchsite.library import pictures
from searchsite.search import asking, combining, find, notices
from searchsite.search.combining import MOST_AWAY, direction
from searchsite.search.questions import Question, Term
from tests import made
from tests.search.test_regions import halves


def unit(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.float32(np.linalg.norm(vector))


DOG, BEACH, CAR = unit(1, 0, 0), unit(1, 1, 0), unit(0, 0, 1)


def test_what_is_wanted_is_added_by_its_weight():
    assert np.allclose(direction([(1.0, DOG), (1.0, CAR)]), unit(1, 0, 1))
    assert np.allclose(direction([(3.0, DOG), (1.0, CAR)]), unit(3, 0, 1))


def test_of_what_is_not_wanted_only_what_the_wanted_lacks_is_subtracted():
    away = direction([(1.0, DOG), (-1.0, BEACH)])
    assert away[1] < 0 and away[2] == 0
    assert np.dot(away, DOG) > 0.8
    assert np.allclose(direction([(1.0, DOG), (-1.0, DOG)]), DOG)


def test_what_is_not_wanted_counts_by_its_weight():
    near, far = (np.dot(direction([(1.0, DOG), (-weight, BEACH)]), BEACH) for weight in (0.1, 0.5))
    assert np.dot(DOG, BEACH) > near > far


def test_without_anything_wanted_it_is_the_other_side():
    assert np.allclose(direction([(-1.0, DOG)]), -DOG)
    assert direction([(1.0, DOG), (1.0, -DOG), (-1.0, CAR)]) is None


@pytest.mark.parametrize("seed", range(60))
def test_what_is_not_wanted_never_outweighs_what_is(seed):
    random = np.random.default_rng(seed)
    terms = [(1.0, unit(*random.normal(size=16))) for _ in range(1 + seed % 4)]
    away = [(-random.uniform(0.1, 10), unit(*random.normal(size=16))) for _ in range(1 + seed % 5)]
    alone, together = direction(terms), direction([*terms, *away])
    assert np.linalg.norm(together) == pytest.approx(1.0, abs=1e-5)
    assert np.dot(alone, together) >= 1 / np.sqrt(1 + MOST_AWAY**2) - 1e-5


def test_words_are_seen_with_each_picture_whatever_is_not_wanted(inbox, fake):
    made.note(inbox, "A boat")
    made.work_through_everything()
    kept = [
        pictures.add_query_picture(halves(*two), scope=inbox.scope).public_id
        for two in (("red", "blue"), ("teal", "red"))
    ]
    terms = [Term(text="sky"), *(Term(picture=one) for one in kept), Term(text="snow", weight=-1.0)]
    joined = asking._joined(asking.resolve(terms, inbox.scope), made.active_space())
    both = [(one.embed.text, one.embed.picture is not None, one.weight) for one in joined]
    assert both == [("sky", True, 1.0), ("sky", True, 1.0), ("snow", False, -1.0)]
    heavier = [Term(text="sky", weight=2.0), Term(picture=kept[0])]
    assert len(asking._joined(asking.resolve(heavier, inbox.scope), made.active_space())) == 2


def test_a_question_of_what_is_not_wanted_alone_says_what_comes_first(inbox, fake):
    boat, bread = made.note(inbox, "a red boat", "Boat"), made.note(inbox, "walnut bread", "Bread")
    made.work_through_everything()
    results = find.find(Question((Term(text="a red boat", weight=-1.0),)), inbox.scope)
    assert [hit.item.id for hit in results.hits] == [bread.public_id, boat.public_id]
    assert notices.ONLY_AWAY in results.notes
    assert notices.ONLY_AWAY not in find.find(Question((Term(text="boat"),)), inbox.scope).notes
    assert combining.direction([]) is None
