"""What a result card shows: the hit, the reasons it matched, and the words around the match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from searchsite.library import wording
from searchsite.library.models import Kind
from searchsite.search.find import Hit
from searchsite.web import snippets
from searchsite.web.templatetags.look import icon, kind_name, shape

PASSAGE, LINE = 420, 140
# A reader sees single letters in brush strokes.
LEAST_READ = 4
PICTURE_SIZE = 480
NO_ID = str(UUID(int=0))
WHY = '<span class="why" title="{}">{}<span>{}</span></span>'


class Card(TypedDict):
    """One hit as the page shows it, ready made: a filter or a tag costs ten times as much as a lookup by key."""

    id: str
    url: str
    similar: str
    thumbnail: str
    kind: str
    kind_name: str
    is_picture: bool
    shape: str
    title: str
    more: str
    alt: str
    moment: str
    day: str
    size: SafeString
    placeholder: str
    weak: bool
    line: str
    head: str
    said: SafeString | None
    reasons: SafeString


@dataclass(frozen=True)
class _Labels:
    """The words on every card of one page, translated once."""

    kinds: Mapping[str, str]
    parts: Mapping[str, str]
    text: str
    picture: str
    words: str
    read: str
    rank: str
    similarity: str
    more: str
    day: str


def of_hits(hits: Iterable[Hit], question: str, *, within: str | None = None) -> list[Card]:
    """Return the cards of the hits. `within`: the parameters of the list they stand in, for its items' own pages."""
    pattern, labels = snippets.pattern_of(question), _labels()
    listed = "" if within is None else f"?{urlencode({'in': within})}"
    found = [_card(hit, pattern, labels) for hit in hits]
    for card in found:
        card["url"] += listed
    return found


def _labels() -> _Labels:
    return _Labels(
        kinds={kind: kind_name(kind) for kind in Kind.values},
        parts={"ocr": _("text in picture"), "caption": _("caption"), "tags": _("tags")},
        text=_("text"),
        picture=_("picture"),
        words=_("words"),
        read=_("reranker"),
        rank=_("Rank %(rank)s by %(label)s"),
        similarity=_("similarity %(value).2f"),
        more=_("More like %(title)s"),
        # Translators: the day of a card; the month is short.
        day=_("%(day)s %(month)s %(year)s"),
    )


def _card(hit: Hit, pattern: re.Pattern[str] | None, labels: _Labels) -> Card:
    item, public_id = hit.item, str(hit.item.id)
    made, pictured = timezone.localtime(item.created_at), item.kind != Kind.TEXT
    return Card(
        id=public_id,
        url=_address("item").replace(NO_ID, public_id),
        similar=f"{_address('home')}?{urlencode({'like': public_id})}",
        thumbnail=_address("thumbnail", PICTURE_SIZE).replace(NO_ID, public_id) if pictured and item.width else "",
        kind=item.kind,
        kind_name=labels.kinds.get(item.kind, item.kind),
        is_picture=pictured,
        shape=shape(item.width, item.height),
        title=item.title,
        more=labels.more % {"title": item.title},
        alt=item.caption or ", ".join([item.title, *item.tags[:3]]),
        moment=made.isoformat(),
        day=labels.day % {"day": made.day, "month": MONTHS_3[made.month].title(), "year": made.year},
        size=format_html('width="{}" height="{}"', item.width or "", item.height or ""),
        placeholder=item.placeholder,
        weak=hit.band == "weak",
        line="",
        head="",
        said=_said(hit, pattern),
        reasons=_reasons(hit, labels),
    )


@lru_cache
def _address(name: str, *more: int) -> str:
    """An address with a place for an item's id: to reverse each would cost more than the rest of the card."""
    return reverse(name) if name == "home" else reverse(name, args=[UUID(NO_ID), *more])


def _said(hit: Hit, pattern: re.Pattern[str] | None) -> SafeString | None:
    """The matching passage of a text; on a picture only text that stands in it, when that is why it matched."""
    if hit.item.kind == Kind.TEXT:
        if hit.part is not None and hit.part.text:
            return snippets.snippet(wording.unmarked(hit.part.text), pattern, length=PASSAGE)
        return snippets.snippet(wording.unmarked(hit.item.opening), None, length=PASSAGE) if hit.item.opening else None
    if hit.part is None or not hit.part.text:
        return None
    if pattern and hit.part.role in ("ocr", "caption") and any(why.channel in ("text", "words") for why in hit.why):
        text = " ".join(hit.part.text.split())
        says = sum(map(str.isalnum, text)) >= LEAST_READ or pattern.search(text)
        return snippets.snippet(text, pattern, length=LINE) if says else None
    return None


def _reasons(hit: Hit, labels: _Labels) -> SafeString:
    meant = labels.parts.get(hit.part.role, labels.text) if hit.part else labels.text
    known = {
        "image": ("image", labels.picture),
        "text": ("meaning", meant),
        "words": ("words", labels.words),
        "reranker": ("sort", labels.read),
    }
    reasons: list[tuple[str, SafeString, str]] = []
    # The reranker's is on every card: it comes last, where a narrow card has no room.
    for why in sorted(hit.why, key=lambda why: why.channel == "reranker"):
        name, label = known.get(why.channel, ("meaning", why.channel))
        exact = labels.rank % {"rank": why.rank, "label": label}
        if why.similarity is not None:
            exact += " · " + labels.similarity % {"value": why.similarity}
        reasons.append((exact, icon(name, "small"), label))
    return format_html_join("", WHY, reasons)
