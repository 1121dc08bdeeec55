"""What the words of a question say."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchsite.search import grammar
from searchsite.search.grammar import (
    EMPTY_BRACKETS,
    EMPTY_QUOTES,
    HARD_WORDS,
    ONE_SIDED,
    PARTED,
    SMALL_OR,
    UNCLOSED,
    UNQUOTED,
    All,
    Any,
    Filter,
    Node,
    Not,
    Phrase,
    Reading,
    Word,
    read,
)
from searchsite.search.hints import CAPITAL_AND, CAPITAL_NOT
from searchsite.search.wrong import BadQuestion

CAT, DOG, SHOT = Word("cat"), Word("dog"), Filter("kind", "screenshot")
NOTE = Filter("kind", "text")


@pytest.mark.parametrize(
    ("text", "words", "conditions"),
    [
        ("red car & more?", "red car & more?", ()),
        ("  two\n lines ", "  two\n lines ", ()),
        ("e-mail f(x) :) -- a - b C|D", "e-mail f(x) :) -- a - b C|D", ()),
        ("http://example.org/a:b note: in: kind:", "http://example.org/a:b note: in: kind:", ()),
        ("cat -dog", "cat", (Not(DOG),)),
        ('cat -"big  dog"', "cat", (Not(Phrase("big dog")),)),
        ('"big  dog" cat', '"big dog" cat', ()),
        ("„großer Hund“ «chat»", '"großer Hund" "chat"', ()),
        ("red cat OR dog", "red cat or dog", ()),
        ("red cat | dog", "red cat or dog", ()),
        ("(red cat) OR dog OR cow", "red cat or dog or cow", ()),
        ("red AND cat", "red AND cat", ()),
        ("cat kind:Screenshots", "cat", (SHOT,)),
        ("type:note", "", (Filter("kind", "text"),)),
        ("-kind:screenshot cat", "cat", (Not(SHOT),)),
        ("in:Inbox by:alice", "", (Filter("in", "Inbox"), Filter("by", "alice"))),
        ('in:"Old town" tag:"new york"', "", (Filter("in", "Old town"), Filter("tag", "new york"))),
        ("tag:#Food", "", (Filter("tag", "food"),)),
        ("after:2024 before:2024-03", "", (Filter("after", date(2024, 1, 1)), Filter("before", date(2024, 3, 1)))),
        ("after:2024-02-29", "", (Filter("after", date(2024, 2, 29)),)),
        ("age:<1w age:2D", "", (Filter("age", timedelta(7)), Filter("age", timedelta(2)))),
        ("age:>3m", "", (Filter("age", -timedelta(90)),)),
        ("cat OR kind:screenshot", "cat", (Any((CAT, SHOT)),)),
        ("(cat OR tag:pets) sleeping", "cat sleeping", (Any((CAT, Filter("tag", "pets"))),)),
        ('cat OR "big dog"', "cat or big dog", (Any((CAT, Phrase("big dog"))),)),
        ("-(cat dog)", "", (Not(All((CAT, DOG))),)),
        ("-(cat OR dog)", "", (Not(Any((CAT, DOG))),)),
        ("-(-cat)", "cat", ()),
        ('""big dog""', '"big dog"', ()),
        ("cat“dog”", 'cat "dog"', ()),
        ('foo"bar baz"', 'foo "bar baz"', ()),
        ('27"x30" canvas', "27 x30 canvas", ()),
        ("(cat -dog)-cow", "cat", (Not(DOG), Not(Word("cow")))),
        ("(tag:a)(tag:b)", "", (Filter("tag", "a"), Filter("tag", "b"))),
        ("cat OR -dog", "cat", (Any((CAT, Not(DOG))),)),
        ("((cat) (kind:screenshot))", "cat", (SHOT,)),
        ("(f(x) OR dog) -yes", "f(x) or dog", (Not(Word("yes")),)),
        ("what does -i do, and -9", "what does -i do, and -9", ()),
        ("-猫 dog", "dog", (Not(Word("猫")),)),
        ("", "", ()),
        ("() -()", "", ()),
    ],
)
def test_it_is_read_as_people_mean_it(text: str, words: str, conditions: tuple[Node, ...]) -> None:
    assert replace(read(text), notes=()) == Reading(words, conditions)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("by: maria", PARTED),
        ("red by: maria -snow", PARTED),
        ("note: in: kind:", ""),
        ("what is in:", ""),
        ("kind:photo or tag:pets", SMALL_OR),
        ('"old bridge" Or "new bridge"', SMALL_OR),
        ("red or blue", ""),
        ("cat OR dog or cow", ""),
        ("or kind:photo", ""),
        ("(tag:pets OR cat)", HARD_WORDS),
        ("red OR kind:photo", HARD_WORDS),
        ('(tag:pets OR "my cat") -kind:text', ""),
        ("(tag:pets OR -snow) red", ""),
        ("NOT cat", CAPITAL_NOT),
        ("kind:photo AND NOT lion", CAPITAL_NOT),
        ("NOT (cat OR dog)", CAPITAL_NOT),
        ('NOT "big dog"', CAPITAL_NOT),
        ("red AND cat", CAPITAL_AND),
        ("kind:photo AND cat", ""),
        ("cat NOT", ""),
        ("AND cat", ""),
        ("not cat and dog", ""),
        ('"NOT red AND cat"', ""),
        ("DO NOT ENTER AND WAIT", ""),
    ],
)
def test_what_is_read_in_another_way_than_it_may_be_meant_is_said(text: str, note: str) -> None:
    assert read(text).notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("text", "pieces", "left"),
    [
        ("red cat kind:screenshot", [("kind:screenshot", SHOT)], ["red cat"]),
        ('"big  dog" -cat', [('"big  dog"', Phrase("big dog")), ("-cat", Not(CAT))], ["-cat", '"big dog"']),
        ("(kind:screenshot) cat", [("kind:screenshot", SHOT)], ["cat"]),
        ("kind:screenshot AND cat", [("kind:screenshot", SHOT)], ["cat"]),
        ("(type:note AND -cat)", [("type:note", NOTE), ("-cat", Not(CAT))], ["( -cat)", "(type:note AND )"]),
        ("x cat OR kind:screenshot y", [("cat OR kind:screenshot", Any((CAT, SHOT)))], ["x y"]),
        ("-(cat dog) red", [("-(cat dog)", Not(All((CAT, DOG))))], ["red"]),
        ("(cat OR tag:a", [("cat OR tag:a", Any((CAT, Filter("tag", "a"))))], ["("]),
        ("red cat OR dog", [], []),
    ],
)  # fmt: skip
def test_each_condition_has_its_place_and_can_be_taken_out(
    text: str, pieces: list[tuple[str, Node]], left: list[str]
) -> None:
    found = read(text).pieces
    assert [(text[one.start : one.end], one.node) for one in found] == pieces
    assert [grammar.without(text, one) for one in found] == left


@given(
    st.lists(
        st.sampled_from(["red", "kind:photo", "-snow", "OR", "AND", "(", ")", "-(", '"a b"', "tag:x", '"']), max_size=12
    )
)
def test_taking_out_a_condition_takes_out_that_one_alone(tokens: list[str]) -> None:
    text = " ".join(tokens)
    before = read(text)
    for piece in before.pieces:
        after = read(grammar.without(text, piece))
        kept = [one.node for one in before.pieces if (one.start, one.end) != (piece.start, piece.end)]
        # What has no partner any more may be read in another way; that is said.
        if not before.notes and not after.notes:
            assert [one.node for one in after.pieces] == kept


@pytest.mark.parametrize(
    ("text", "words", "note"),
    [
        ('27" monitor', "27 monitor", ""),
        ('"half a phrase', "half a phrase", UNQUOTED),
        ('cat -"dog', "cat dog", UNQUOTED),
        ("(cat OR dog", "cat or dog", UNCLOSED),
        ('foo"bar baz', "foo bar baz", UNQUOTED),
        ('""', "", EMPTY_QUOTES),
        ("“”", "", EMPTY_QUOTES),
        ('cat "" dog', "cat dog", EMPTY_QUOTES),
        ('cat " " dog', "cat dog", EMPTY_QUOTES),
        ('cat""', "cat", EMPTY_QUOTES),
        ('in:"" cat', "cat", EMPTY_QUOTES),
        ("()", "", EMPTY_BRACKETS),
        ("cat -( )", "cat", EMPTY_BRACKETS),
        ('"', "", UNQUOTED),
        ("OR", "", ONE_SIDED),
        ("cat OR", "cat", ONE_SIDED),
        ("OR cat", "cat", ONE_SIDED),
        ("cat OR OR dog", "cat or dog", ONE_SIDED),
        ("(cat OR) dog", "cat dog", ONE_SIDED),
    ],
)
def test_mistakes_are_read_kindly_and_said(text: str, words: str, note: str) -> None:
    reading = read(text)
    assert (reading.words.strip(), reading.conditions) == (words, ())
    assert reading.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    "text",
    [
        *("kind:hologram", "after:yesterday", "after:2024-13", "before:2024-02-30", "age:soon", "age:1", "tag:#"),
        "(" * 22 + "cat",
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadQuestion, match=r"\.$"):
        read(text)


def test_both_capitals_are_said() -> None:
    assert read("cat AND NOT lion").notes == (CAPITAL_NOT, CAPITAL_AND)


PIECES = ["cat", "-", '"', "(", ")", "OR", "AND", "|", "kind:text", "tag:", "age:<1d", "„", " ", "  ", "-(", ":", "\n"]


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except BadQuestion:
        return
    assert reading.words.count('"') % 2 == 0


def test_reading_takes_linear_time() -> None:
    grammar.read.cache_clear()

    def seconds(size: int) -> float:
        texts = ['"' * size, "(" * 20 + ")" * size, "a" * size, "-" * size, "x)" * size, "(x " * 20 + "x) " * size]
        texts += [" OR ".join("a" * size), "kind:" * size, '-"' * size, "tag:a\u2003" * 20 + "b " * size]
        texts += ['a"' * size, 'a" ' * size, '""' * size]
        begun = time.process_time()
        for text in texts:
            with suppress(BadQuestion):
                read.__wrapped__(text)
        return time.process_time() - begun

    small = min(seconds(1_000) for _ in range(3))
    assert seconds(16_000) < 16 * small * 4
