"""Words within bounds: what says them, and what only guesses them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from searchsite.library import edits, tags
from searchsite.library.models import Item
from searchsite.search import commonness, lookups, words
from searchsite.search.bounds import bounds_for
from searchsite.search.find import find
from searchsite.search.pace import Budget
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
    bounds = bounds_for(Question(), inbox.scope, Budget())
    assert bounds is not None
    guessed = {near.item_id: near.guessed for near in reversed(words.matching(asked, bounds))}
    assert guessed == {pictures["one"].pk: True, pictures["two"].pk: False, pictures["tabby cat"].pk: False}


def test_what_an_item_says_in_several_places_is_no_guess(inbox, fake):
    boat = made.picture(inbox, "blue", "Blue boat")
    made.work_through_everything()
    tags.set_machine(boat, ["boat", "harbour"])
    edits.set_caption(boat, "A harbour at dawn", scope=inbox.scope)
    bounds = bounds_for(Question(), inbox.scope, Budget())
    assert bounds is not None
    assert {near.guessed for near in words.matching("boat harbour", bounds)} == {False}


def test_a_guessed_tag_is_found_but_counts_less_than_a_title(inbox, pictures):
    results = find(Question((Term(text="tabby"),)), inbox.scope)
    by_words = {hit.item.title for hit in results.hits if any(why.channel == "words" for why in hit.why)}
    assert by_words == set(pictures)
    assert results.hits[-1].item.title == "one"


def titles(inbox, asked: str, **more) -> list[str]:
    return [hit.item.title for hit in find(Question((Term(text=asked),), **more), inbox.scope).hits]


def one_behind_many(inbox, monkeypatch, text: str, title: str, others: str) -> None:
    """A note that comes after eight others, where three matches are looked at."""
    for number in range(8):
        made.note(inbox, others.format(number), title=f"{number}")
    made.note(inbox, text, title=title)
    made.work_through_everything()
    monkeypatch.setattr(words, "MOST_MATCHES", 3)


def test_a_text_in_quotes_that_many_have_hides_none_of_them(inbox, fake, monkeypatch):
    one_behind_many(inbox, monkeypatch, "Invoice of Acme", "acme", "Invoice {} of the mill")
    assert titles(inbox, '"invoice" acme')[0] == "acme"
    assert titles(inbox, '"invoice" "acme"') == ["acme"]
    assert len(titles(inbox, '"invoice"')) == 9


def test_a_rare_word_is_found_among_many_with_common_ones(inbox, fake, monkeypatch):
    one_behind_many(inbox, monkeypatch, "A platypus", "rare", "photo report {}")
    assert titles(inbox, "photo of platypus report", mode="words")[0] == "rare"


@pytest.fixture
def counted() -> Iterator[None]:
    """Postgres counts words anew, and nobody remembers it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE part, item")
    commonness._known.cache_clear()
    yield
    commonness._known.cache_clear()


@pytest.fixture
def reports(inbox, fake, monkeypatch):
    one_behind_many(inbox, monkeypatch, "A platypus photo", "rare", "photo report {}")
    monkeypatch.setattr(words, "RARE_UP_TO", 3)
    monkeypatch.setattr(words, "MOST_READ", 0)
    monkeypatch.setattr(words, "SMALL", 0)


def test_of_common_words_only_the_rarer_find_something(inbox, reports, counted, monkeypatch):
    assert commonness.counts(["photo", "report", "platypus"]) == {"photo": 9.0, "report": 8.0, "platypus": 1.0}
    assert titles(inbox, "photo platypus report", mode="words")[0] == "rare"
    monkeypatch.setattr(words, "MOST_MATCHES", 100)
    assert set(titles(inbox, "photo report lamp", mode="words")) == set(map(str, range(8)))
    monkeypatch.setattr(words, "MOST_READ", 17)
    assert set(titles(inbox, "photo report lamp", mode="words")) == {*map(str, range(8)), "rare"}


def test_among_few_items_each_word_finds_something(inbox, reports, counted, monkeypatch):
    monkeypatch.setattr(words, "MOST_MATCHES", 100)
    monkeypatch.setattr(words, "SMALL", 100)
    assert "rare" in titles(inbox, "photo report lamp", mode="words")


def test_a_word_that_was_not_read_weighs_no_more_than_one_that_was(inbox, reports, counted, monkeypatch):
    monkeypatch.setattr(words, "MOST_MATCHES", 100)
    made.note(inbox, "report of a lampshade")
    bounds = bounds_for(Question(), inbox.scope, Budget())
    assert bounds is not None
    shares = {near.item_id: near.share for near in words.matching("photo report lamp", bounds)}
    assert len(shares) == 9
    # Of the nine with "report", one lacks "photo": by what was found, that would be the rarer of the two.
    assert max(shares.values()) == pytest.approx(2 * min(shares.values()))


def test_quotes_that_take_too_long_let_in_only_what_is_sure(inbox, fake, monkeypatch):
    one_behind_many(inbox, monkeypatch, "Invoice of Acme", "acme", "Invoice {} of the mill")
    monkeypatch.setattr(lookups, "HAVING", lookups.HAVING.replace("FROM part", "FROM pg_sleep(9), part", 1))
    assert set(titles(inbox, '"invoice" "acme"')) <= {"acme"}


def test_a_hyphen_in_a_formula_is_no_condition(inbox, fake):
    formula = made.note(inbox, "plot of sin(x)")
    bounds = bounds_for(Question(), inbox.scope, Budget())
    assert bounds is not None
    found = next(words.attempts("plot sin(-x)", bounds))
    assert {near.item_id for near in found} == {formula.pk}


def test_a_word_that_is_nowhere_makes_a_hit_half_as_sure(inbox, fake):
    for number in range(5):
        made.note(inbox, f"Hokusai, print {number}")
    made.note(inbox, "tulips")
    bounds = bounds_for(Question(), inbox.scope, Budget())
    assert bounds is not None
    found = words.matching("hokusai waev", bounds)
    assert {round(near.known, 3) for near in found} == {0.5}
    assert max(near.share for near in found) < 0.3
    # Of many such words one says little.
    assert max(near.known for near in words.matching("hokusai waev xq zv ww", bounds)) < 0.3
