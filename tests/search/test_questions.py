"""Questions as addresses, and what is refused."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from django.http import QueryDict

from searchsite.search import questions
from searchsite.search.questions import BadQuestion, Filters, Question, Term, checked, from_query, to_query


@pytest.mark.parametrize(
    "question",
    [
        Question(),
        Question((Term(text="red car & more?"),)),
        Question((Term(text="car"), Term(text="red", weight=-1.0), Term(item=uuid4()), Term(picture=uuid4()))),
        Question((Term(item=uuid4(), weight=-1.0),), sort="newest", mode="meaning", limit=7),
        Question(
            (Term(item=uuid4(), region=(0.125, 0.5, 0.25, 0.5)), Term(picture=uuid4(), region=(0.0, 0.0, 1.0, 1.0)))
        ),
        Question(
            (),
            Filters(("image", "text"), (uuid4(),), ("cat", "dog"), "bob", date(2026, 1, 2), date(2026, 3, 4)),
            cursor="abc",
        ),
    ],
)
def test_an_address_says_the_question(question):
    address = to_query(question)
    assert from_query(QueryDict(address)) == question
    assert to_query(from_query(QueryDict(address))) == address


@pytest.mark.parametrize(
    "address",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=9999999",
        "sort=sideways",
        "mode=psychic",
        "kind=hologram",
        "after=yesterday",
        "after=2026-02-30",
        "after=20260101",
        "like=7",
        "collection='; drop table item",
        "q=" + "x" * 2001,
        "&".join(f"q={n}" for n in range(9)),
        "&".join(f"tag={n}" for n in range(51)),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(address):
    with pytest.raises(BadQuestion, match=r"\.$"):
        from_query(QueryDict(address))


@pytest.mark.parametrize(
    "filters", [Filters(by=""), Filters(by=" \0"), Filters(tags=("",)), Filters(tags=("cat", " # "))]
)
def test_a_filter_that_says_nothing_is_refused_rather_than_dropped(filters):
    with pytest.raises(BadQuestion, match=r"\.$"):
        checked(Question((Term(text="car"),), filters))


@pytest.mark.parametrize(
    "term", [Term(), Term(text="a", item=uuid4()), Term(text="a", weight=0), Term(text="a", weight=float("nan"))]
)
def test_a_malformed_term_is_refused(term):
    with pytest.raises(BadQuestion):
        checked(Question((term,)))


def test_nul_and_controls_and_lone_surrogates_are_cleaned():
    (term,) = checked(Question((Term(text="a\0b\x07c\ud800d"),))).terms
    assert term.text == "ab cd"


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_text_is_no_term(text):
    assert checked(Question((Term(text=text),))).terms == ()
    assert from_query({"q": text}).terms == ()


def test_a_plain_mapping_will_do():
    assert from_query({"q": "car", "kind": ["image"]}).filters.kinds == ("image",)


def test_the_longest_question_is_taken():
    assert len(from_query({"q": "x" * questions.MOST_CHARS}).words) == 2000
