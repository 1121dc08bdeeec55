"""Where the words of a corrected text stand in the picture: a person puts a letter right and moves no word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from searchsite.library.models import Item, Part, PartRole
from searchsite.library.sayings import Saying

# A word with its left, top, right and bottom as shares of the picture.
Box = Sequence[Any]
# Words in a row that may take the places of others. More is another text, of which nobody knows where it stands.
MOST_REPLACED = 4


def boxes(item: Item) -> list[Box]:
    """Return the boxes of the words that are known to stand in the picture, in the order of reading."""
    parts = Part.objects.filter(item=item, role=PartRole.OCR).order_by("ordinal").values_list("locator", flat=True)
    return [box for locator in parts for box in locator.get("words", [])]


def placed(said: Sequence[Saying], before: Sequence[Box]) -> list[Saying]:
    """Return the pieces with the boxes of the words that were there before, or that replace a few of those."""
    pieces = [one.text.split() for one in said]
    stands = _places([word for words in pieces for word in words], before)
    found, at = [], 0
    for one, words in zip(said, pieces, strict=True):
        places = [[word, *box] for word, box in zip(words, stands[at:], strict=False) if box is not None]
        found.append(replace(one, locator={"words": places}) if places else one)
        at += len(words)
    return found


def _places(words: Sequence[str], before: Sequence[Box]) -> list[Sequence[float] | None]:
    places: list[Sequence[float] | None] = [None] * len(words)
    for what, start, end, first, last in SequenceMatcher(None, [box[0] for box in before], words).get_opcodes():
        if what == "equal" or (what == "replace" and max(end - start, last - first) <= MOST_REPLACED):
            for box, at in zip(before[start:end], range(first, last), strict=False):
                places[at] = box[1:]
    return places
