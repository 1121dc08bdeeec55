"""The words on a result's card."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils.html import strip_tags

from searchsite.search.cards import Card, MatchedPart
from searchsite.search.find import Hit
from searchsite.search.fuse import Why
from searchsite.web import cards
from searchsite.web.templatetags import look

# Postgres says which words are the same.
pytestmark = pytest.mark.django_db


def said(read: str, question: str) -> str | None:
    """What a picture's card shows of the text in it."""
    item = Card(uuid4(), "image", "Sea", "", datetime(2026, 1, 1, tzinfo=UTC), 80, 60, "", "Inbox", ())
    part = MatchedPart(1, "ocr", read, {})
    hit = Hit(item=item, score=1.0, band=None, part=part, why=(Why("text", 1, 0.5),), parts=(1,))
    return cards.of_hits([hit], question)[0]["said"]


@pytest.mark.parametrize("rubbish", ["e", "2", "B", "| ~ e"])
def test_a_letter_seen_in_brush_strokes_is_not_shown(rubbish: str) -> None:
    assert said(rubbish, "a painted sea") is None


def test_text_that_matches_is_shown_however_short() -> None:
    assert said("CAT", "cat") == "<mark>CAT</mark>"
    assert said("No swimming", "bathing is forbidden") == "No swimming"


def test_what_was_quoted_is_shown_before_its_single_words() -> None:
    shown = said("The sea. " + "Nothing here. " * 40 + "We sat by the\nsea and drank.", 'sea "by the  sea"')
    assert shown is not None
    assert "<mark>by the sea</mark> and drank." in shown


def badges(question: str, band: str | None, *why: Why, role: str = "ocr", text: str = "") -> str:
    """What the badges of a picture's card say."""
    item = Card(uuid4(), "image", "IMG_2041_final", "", datetime(2026, 1, 1, tzinfo=UTC), 80, 60, "", "Inbox", ())
    part = MatchedPart(1, role, text, {}) if text else None
    card = cards.of_hits([Hit(item=item, score=1.0, band=band, part=part, why=why, parts=())], question)[0]
    return strip_tags(card["reasons"])


def test_what_is_near_to_nothing_has_no_badge() -> None:
    assert badges("xyzzy", "weak", Why("image", 1, 0.2), Why("text", 2, 0.1)) == ""
    assert badges("xyzzy", None, Why("image", 1, 0.08), Why("text", 1, 0.21)) == ""


@pytest.mark.parametrize(
    ("role", "text", "said"),
    [
        ("ocr", "Boat hire", "text in picture"),
        ("tags", "boat, sea", "tag"),
        ("caption", "A boat", "caption"),
        ("ocr", "Closed", "words"),
    ],
)
def test_words_that_were_found_say_where(role: str, text: str, said: str) -> None:
    assert badges("boat", "weak", Why("words", 3, None), Why("image", 1, 0.2), role=role, text=text) == said


def test_what_looks_alike_says_so() -> None:
    assert badges("a boat", "strong", Why("image", 1, 0.4), Why("text", 9, 0.1)) == "looks like it"
    assert badges("", "likely", Why("image", 1, 0.8)) == "similar picture"
    assert badges("a boat", None, Why("image", 3, 0.39), Why("text", 1, 0.1)) == "looks like it"
    assert badges("a boat", None, Why("image", 3, 0.2), Why("text", 2, 0.4)) == "meaning"


def test_the_exact_ranks_are_there_for_who_asks() -> None:
    item = Card(uuid4(), "image", "Sea", "", datetime(2026, 1, 1, tzinfo=UTC), 80, 60, "", "Inbox", ())
    hit = Hit(item=item, score=1.0, band=None, part=None, why=(Why("image", 2, 0.314), Why("words", 5, None)))
    assert cards.of_hits([hit], "sea")[0]["exactly"] == "Rank 2 by picture, similarity 0.31 · Rank 5 by words"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("IMG_2041_final", "IMG 2041 final"),
        ("_draft__two_", "draft two"),
        ("___", "___"),
        ("Notes on user_id", "Notes on user_id"),
        ("Sea", "Sea"),
    ],
)
def test_names_of_files_are_shown_with_blanks(title: str, shown: str) -> None:
    assert look.readable(title) == shown


def test_the_less_a_text_says_the_narrower_is_its_card() -> None:
    assert [look.text_shape(letters) for letters in (2, 90, 200, 420)] == ["ar-85 brief", "ar-100", "ar-115", "ar-125"]


def test_a_texts_card_keeps_its_shape_when_its_words_are_searched_for() -> None:
    item = Card(uuid4(), "text", "Sea", "", datetime(2026, 1, 1, tzinfo=UTC), None, None, "", "Inbox", ())
    hit = Hit(item=item, score=1.0, band=None, part=MatchedPart(1, "content", "sea & sand & sea & sun", {}), why=())
    assert [cards.of_hits([hit], asked)[0]["shape"] for asked in ("", "sea sand sun")] == ["ar-85 brief"] * 2


@pytest.mark.parametrize(
    ("title", "question", "shown"),
    [
        ("Boats_of <Zürich>", "a boat in Zurich", "<mark>Boats</mark>_of &lt;<mark>Zürich</mark>&gt;"),
        ("IMG_2041_boat", "boats", "IMG 2041 <mark>boat</mark>"),
        ("The <sea>", "the", "The <sea>"),
    ],
)
def test_the_words_of_the_question_are_marked_in_titles(title: str, question: str, shown: str) -> None:
    item = Card(uuid4(), "image", title, "", datetime(2026, 1, 1, tzinfo=UTC), 80, 60, "", "Inbox", ())
    hit = Hit(item=item, score=1.0, band=None, part=None, why=(Why("words", 1, None),))
    assert cards.of_hits([hit], question)[0]["titled"] == shown
