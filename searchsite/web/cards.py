"""What a result card shows: the hit, the reasons it matched, and the words around the match."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from searchsite.library.models import Kind, Part, PartRole
from searchsite.search.find import Hit
from searchsite.web import snippets

PASSAGE, LINE = 420, 140


@dataclass(frozen=True)
class Reason:
    """One reason a hit matched."""

    icon: str
    label: str
    exact: str


@dataclass(frozen=True)
class Card:
    """One hit as the page shows it."""

    id: UUID
    kind: str
    title: str
    alt: str
    created_at: datetime
    width: int | None
    height: int | None
    placeholder: str
    band: str | None
    said: SafeString | None
    reasons: tuple[Reason, ...]

    @property
    def is_picture(self) -> bool:
        """True for photos and screenshots."""
        return self.kind != Kind.TEXT


def of_hits(hits: Iterable[Hit], question: str) -> list[Card]:
    """Return the cards of the hits."""
    shown, words = list(hits), snippets.words_of(question)
    openings = _openings([hit.item.id for hit in shown if hit.item.kind == Kind.TEXT and hit.part is None])
    return [_card(hit, words, openings.get(hit.item.id, "")) for hit in shown]


def _openings(ids: list[UUID]) -> dict[UUID, str]:
    """The first passage of each text: what a card shows of it when no question chose one."""
    firsts = (
        Part.objects.filter(item__public_id__in=ids, role=PartRole.CONTENT, ordinal=0) if ids else Part.objects.none()
    )
    return dict(firsts.values_list("item__public_id", "text"))


def _card(hit: Hit, words: list[str], opening: str) -> Card:
    item = hit.item
    return Card(
        id=item.id,
        kind=item.kind,
        title=item.title,
        alt=item.caption or ", ".join([item.title, *item.tags[:3]]),
        created_at=item.created_at,
        width=item.width,
        height=item.height,
        placeholder=item.placeholder,
        band=hit.band,
        said=_said(hit, words) or (snippets.snippet(opening, [], length=PASSAGE) if opening else None),
        reasons=_reasons(hit),
    )


def _said(hit: Hit, words: list[str]) -> SafeString | None:
    """The matching passage of a text; on a picture only text that stands in it, when that is why it matched."""
    if hit.part is None or not hit.part.text:
        return None
    if hit.item.kind == Kind.TEXT:
        return snippets.snippet(hit.part.text, words, length=PASSAGE)
    if words and hit.part.role in ("ocr", "caption") and any(why.channel != "image" for why in hit.why):
        return snippets.snippet(" ".join(hit.part.text.split()), words, length=LINE)
    return None


def _reasons(hit: Hit) -> tuple[Reason, ...]:
    role = hit.part.role if hit.part else ""
    meant = {"ocr": _("text in picture"), "caption": _("caption"), "tags": _("tags")}.get(role, _("text"))
    known = {"image": ("image", _("picture")), "text": ("meaning", meant), "words": ("words", _("words"))}
    reasons = []
    for why in hit.why:
        name, label = known.get(why.channel, ("meaning", why.channel))
        exact = _("Rank %(rank)s by %(label)s") % {"rank": why.rank, "label": label}
        if why.similarity is not None:
            exact += " · " + _("similarity %(value).2f") % {"value": why.similarity}
        reasons.append(Reason(name, label, exact))
    return tuple(reasons)
