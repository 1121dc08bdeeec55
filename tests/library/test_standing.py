"""Corrected words keep their places in the picture."""

from __future__ import annotations

import pytest

from searchsite.library import standing
from searchsite.library.sayings import Saying

BEFORE = [["HTTP", 0.1, 0.1, 0.2, 0.2], ["trffic", 0.3, 0.1, 0.4, 0.2], ["today", 0.5, 0.1, 0.6, 0.2]]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("HTTP traffic today", [("HTTP", 0.1), ("traffic", 0.3), ("today", 0.5)]),
        ("HTTP trffic more today", [("HTTP", 0.1), ("trffic", 0.3), ("today", 0.5)]),
        ("HTTP traffic quokka today", [("HTTP", 0.1), ("traffic", 0.3), ("today", 0.5)]),
        ("today", [("today", 0.5)]),
        ("quite another text that nobody read there", []),
    ],
)
def test_a_word_that_was_put_right_stands_where_it_stood(text, places):
    [said] = standing.placed([Saying(text)], BEFORE)
    assert [(word, left) for word, left, *_rest in said.locator.get("words", [])] == places


def test_the_words_of_a_long_text_stay_with_their_pieces():
    first, second = standing.placed([Saying("HTTP traffic "), Saying("today")], BEFORE)
    assert [word for word, *_box in first.locator["words"]] == ["HTTP", "traffic"]
    assert second.locator == {"words": [["today", 0.5, 0.1, 0.6, 0.2]]}


def test_what_never_had_places_gets_none():
    assert standing.placed([Saying("some words")], []) == [Saying("some words")]
