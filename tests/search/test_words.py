"""Words within bounds: what says them, and what only guesses them."""

from __future__ import annotations

import pytest

from searchsite.library import edits, tags
from searchsite.library.models import Item
from searchsite.search import words
from searchsite.search.bounds import bounds_for
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from tests import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def pictures(inbox, fake) -> dict[str, Item]:
    """Three pictures that a network tagged alike: one has a person's tag, one a title that says the same."""
    found = {title: made.picture(inbox, colour, title) for title, colour in (("one", "red"), ("two", "blue"))}
    found["tabby cat"] = made.picture(inbox, "green", "tabby cat")
    made.work_through_everything()
    for item in found.values():
        tags.set_machine(item, ["tabby cat", "lynx"])
    tags.set_all(found["two"], ["tabby cat", "lynx", "mine"])
    return found


@pytest.mark.parametrize("asked", ["tabby", "tabb", "tabby tulips"])
def test_what_only_guessed_tags_say_is_told_from_the_rest(inbox, pictures, asked):
    bounds = bounds_for(Question(), inbox.scope)
    assert bounds is not None
    guessed = {near.item_id: near.guessed for near in reversed(words.matching(asked, bounds))}
    assert guessed == {pictures["one"].pk: True, pictures["two"].pk: False, pictures["tabby cat"].pk: False}


def test_what_an_item_says_in_several_places_is_no_guess(inbox, fake):
    boat = made.picture(inbox, "blue", "Blue boat")
    made.work_through_everything()
    tags.set_machine(boat, ["boat", "harbour"])
    edits.set_caption(boat, "A harbour at dawn", scope=inbox.scope)
    bounds = bounds_for(Question(), inbox.scope)
    assert bounds is not None
    assert {near.guessed for near in words.matching("boat harbour", bounds)} == {False}


def test_a_guessed_tag_is_found_but_counts_less_than_a_title(inbox, pictures):
    results = find(Question((Term(text="tabby"),)), inbox.scope)
    by_words = {hit.item.title for hit in results.hits if any(why.channel == "words" for why in hit.why)}
    assert by_words == set(pictures)
    assert results.hits[-1].item.title == "one"
