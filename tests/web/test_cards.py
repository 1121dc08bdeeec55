"""The words on a result's card."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from searchsite.search.cards import Card, MatchedPart
from searchsite.search.find import Hit
from searchsite.search.fuse import Why
from searchsite.web import cards


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
