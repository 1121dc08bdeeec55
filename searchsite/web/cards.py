"""What a result card shows: the hit, the reasons it matched, and the words around the match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import TypedDict
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.indexing import stages
from searchsite.library import signing, wording
from searchsite.library.models import Item, Kind, named
from searchsite.search.find import Hit
from searchsite.search.marks import Marks, marks_of
from searchsite.web import addresses, badges, snippets
from searchsite.web.templatetags.look import kind_name, readable, shape, text_shape

PASSAGE, LINE = 420, 140
# A reader sees single letters in brush strokes.
LEAST_READ = 4
PICTURE_SIZE = 480
NO_ID = str(UUID(int=0))


class Card(TypedDict):
    """One hit as the page shows it, ready made: a filter or a tag costs ten times as much as a lookup by key."""

    id: str
    url: str
    similar: str
    unlike: str
    thumbnail: str
    kind: str
    kind_name: str
    is_picture: bool
    shape: str
    title: str
    titled: SafeString | str
    name: str
    more: str
    less: str
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
    exactly: str
    broken: str
    place: str
    twin: bool
    copies: str
    copies_url: str


@dataclass(frozen=True)
class _Labels:
    """The words on every card of one page, translated once; and from where on something is near."""

    kinds: Mapping[str, str]
    why: badges.Words
    near: Mapping[str, float]
    more: str
    less: str
    day: str


def of_hits(
    hits: Iterable[Hit],
    question: str,
    *,
    within: str | None = None,
    refined: QueryDict | None = None,
    folded: bool = False,
) -> list[Card]:
    """Return the cards of the hits. `within`: the parameters of the list they stand in, for its items' own pages.

    refined: those of a question that can take one term more. folded: each stands for its copies.
    """
    listed = "" if within is None else f"?{urlencode({'in': within})}"
    shown = list(hits)
    labels = _labels(shown)
    texts = (hit.part.text if hit.part is not None else hit.item.opening for hit in shown)
    titles = (readable(hit.item.title) for hit in shown)
    marks = marks_of(question, [*texts, *titles]) if question.strip() else None
    found = [_card(hit, marks, labels) for hit in shown]
    unlike = "" if refined is None else addresses.adding(refined, "unlike", NO_ID)
    for card in found:
        card["url"] += listed
        card["unlike"] = unlike.replace(NO_ID, card["id"])
    _tell_twins(shown, found)
    _tell_broken(shown, found)
    if folded:
        _tell_copies(shown, found, within or "")
    return found


def _labels(hits: Sequence[Hit]) -> _Labels:
    return _Labels(
        kinds={kind: kind_name(kind) for kind in Kind.values},
        why=badges.words(),
        near=badges.levels(hits),
        more=_("More like %(title)s"),
        less=_("Not like %(title)s"),
        # Translators: the day of a card; the month is short.
        day=_("%(day)s %(month)s %(year)s"),
    )


def _card(hit: Hit, marks: Marks | None, labels: _Labels) -> Card:
    item, public_id, title = hit.item, str(hit.item.id), readable(hit.item.title)
    said = _said(hit, marks)
    made, pictured = timezone.localtime(item.created_at), item.kind != Kind.TEXT
    return Card(
        id=public_id,
        url=_address("item").replace(NO_ID, public_id),
        similar=f"{_address('home')}?{urlencode({'like': public_id})}",
        unlike="",
        thumbnail=_thumbnail(public_id) if pictured and item.width else "",
        kind=item.kind,
        kind_name=labels.kinds.get(item.kind, item.kind),
        is_picture=pictured,
        shape=shape(item.width, item.height) if pictured else text_shape(_letters(said)),
        title=title,
        titled=snippets.marked(title, marks),
        name=item.title,
        more=labels.more % {"title": title},
        less=labels.less % {"title": title},
        alt=item.caption or ", ".join([title, *item.tags[:3]]),
        moment=made.isoformat(),
        day=labels.day % {"day": made.day, "month": MONTHS_3[made.month].title(), "year": made.year},
        size=format_html('width="{}" height="{}"', item.width or "", item.height or ""),
        placeholder=item.placeholder,
        weak=hit.band == "weak",
        line="",
        head="",
        said=said,
        reasons=badges.of(hit, labels.why, marks, labels.near),
        exactly=badges.exactly(hit, labels.why),
        broken="",
        place="",
        twin=False,
        copies="",
        copies_url="",
    )


def _tell_twins(hits: Sequence[Hit], cards: Sequence[Card]) -> None:
    """Say of cards of the same file, which each lie in a collection of their own, which is which."""
    times = Counter(hit.item.blob for hit in hits if hit.item.blob is not None)
    seen: set[int] = set()
    for hit, card in zip(hits, cards, strict=True):
        if hit.item.blob is not None and times[hit.item.blob] > 1:
            card["place"] = named(hit.item.collection_name, hit.item.collection_purpose)
            card["twin"] = hit.item.blob in seen
            seen.add(hit.item.blob)


def _tell_copies(hits: Sequence[Hit], cards: Sequence[Card], within: str) -> None:
    """Say how many copies are folded behind a card, and where they are shown: in the same search, by themselves."""
    for hit, card in zip(hits, cards, strict=True):
        if number := len(hit.copies):
            card["copies"] = ngettext("+%(number)s alike", "+%(number)s alike", number) % {"number": number}
            card["copies_url"] = f"{_address('home')}?{urlencode([*parse_qsl(within), ('copies', card['id'])])}"


def _tell_broken(hits: Sequence[Hit], cards: Sequence[Card]) -> None:
    """Say why pictures could not be read: costs queries only where some can't be shown."""
    unseen = [hit.item.id for hit in hits if hit.item.kind != Kind.TEXT and not hit.item.width]
    if not unseen:
        return
    items = {item.pk: item for item in Item.objects.filter(public_id__in=unseen).only("public_id", "kind", "team_id")}
    failed = {
        str(items[pk].public_id): progress.stages["decode"].error
        for pk, progress in stages.status_of(items.values()).items()
        if progress.stages["decode"].state == stages.FAILED
    }
    for card in cards:
        card["broken"] = failed.get(card["id"], "")


def _letters(said: SafeString | None) -> int:
    """How much there is to read, without the marks of what was searched for."""
    return len(unescape(said.replace("<mark>", "").replace("</mark>", ""))) if said else 0


@lru_cache
def _address(name: str, *more: int) -> str:
    """An address with a place for an item's id: to reverse each would cost more than the rest of the card."""
    return reverse(name) if name == "home" else reverse(name, args=[UUID(NO_ID), *more])


def _thumbnail(public_id: str) -> str:
    return signing.shown(_address("thumbnail", PICTURE_SIZE).replace(NO_ID, public_id))


def _said(hit: Hit, marks: Marks | None) -> SafeString | None:
    """The matching passage of a text; on a picture only text that stands in it, when that is why it matched."""
    if hit.item.kind == Kind.TEXT:
        matched = hit.part is not None and bool(hit.part.text)
        text = wording.unmarked(hit.part.text if hit.part is not None and matched else hit.item.opening)
        # The title stands below the card already.
        text = text.removeprefix(f"{hit.item.title}\n").lstrip("\n") or text
        return snippets.snippet(text, marks if matched else None, length=PASSAGE) if text else None
    if hit.part is None or not hit.part.text:
        return None
    if marks and hit.part.role in ("ocr", "caption") and any(why.channel in ("text", "words") for why in hit.why):
        text = " ".join(hit.part.text.split())
        says = sum(map(str.isalnum, text)) >= LEAST_READ or marks.spans(text)
        return snippets.snippet(text, marks, length=LINE, inside=_by_words(hit)) if says else None
    return None


def _by_words(hit: Hit) -> bool:
    """Whether its words were found, which may stand within others."""
    return any(why.channel == "words" for why in hit.why)
