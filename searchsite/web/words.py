"""The text layer over a picture: each word that was read, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import render

from searchsite.library import standing
from searchsite.library.models import Item, Part, PartRole
from searchsite.search.marks import marks_of
from searchsite.web import around
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.seen import visible

# A page of small print; more would only slow the page down.
MOST = 5000
BASELINE = 0.8


@dataclass(frozen=True)
class Word:
    """A word and its box, in pixels of the picture; `hit` when the search asked for it."""

    text: str
    x: float
    y: float
    width: float
    height: float
    baseline: float
    hit: bool


@in_team("GET")
def words(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show the words that were read in a picture as a layer that can be selected."""
    item = visible(request.scope, public_id)
    params = around.asked(request)
    shown = _words(item, around.words_of(params) if params is not None else "")
    return render(request, "items/_words.html", {"item": item, "words": shown})


def has_boxes(item: Item) -> bool:
    """Whether anybody knows where the words stand: not when a person wrote all of them."""
    return Part.objects.filter(item=item, role=PartRole.OCR, locator__words__0__isnull=False).exists()


def _words(item: Item, question: str) -> list[Word]:
    if not item.width or not item.height:
        return []
    found: list[Word] = []
    boxes = standing.boxes(item)[:MOST]
    asked = _asked_for([str(box[0]) for box in boxes], question)
    for (text, left, top, right, bottom), hit in zip(boxes, asked, strict=True):
        height = (bottom - top) * item.height
        found.append(
            Word(
                text=text,
                x=round(left * item.width, 1),
                y=round(top * item.height, 1),
                width=round((right - left) * item.width, 1),
                height=round(height, 1),
                baseline=round(top * item.height + BASELINE * height, 1),
                hit=hit,
            )
        )
    return found


def _asked_for(words: Sequence[str], question: str) -> list[bool]:
    """Which of the words the question asked for; what it has in quotes stands over several of them."""
    text = " ".join(words)
    spans = marks_of(question, [text]).spans(text, inside=True)
    found, at = [], 0
    for word in words:
        found.append(any(start < at + len(word) and end > at for start, end in spans))
        at += len(word) + 1
    return found
