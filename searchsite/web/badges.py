"""The badges that say why an item is among the results: only those that tell it from the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from searchsite.library.models import Channel
from searchsite.library.numbers import rounded
from searchsite.search.find import Hit
from searchsite.search.fuse import STANDS_OUT, Why, background
from searchsite.search.marks import Marks
from searchsite.web.templatetags.look import icon

# Everything has a rank in each channel. Where nobody has measured how near is near, that is near which stands out at
# least by half of what would count in full.
NEAR = STANDS_OUT / 2
WHY = '<span class="why" title="{}">{}<span>{}</span></span>'


@dataclass(frozen=True)
class Words:
    """The words of the badges, translated once a page: what each says, and what it means."""

    parts: Mapping[str, tuple[str, str]]
    words: tuple[str, str]
    text: tuple[str, str]
    picture: tuple[str, str]
    similar: tuple[str, str]
    names: Mapping[str, str]
    rank: str
    similarity: str


def words() -> Words:
    """Return them in the language of the page."""
    return Words(
        parts={
            "ocr": (_("text in picture"), _("Words of your question stand in the picture")),
            "caption": (_("caption"), _("Words of your question stand in its caption")),
            "tags": (_("tag"), _("It has a tag of your question's words")),
        },
        words=(_("words"), _("Words of your question stand in it or in its title")),
        text=(_("meaning"), _("What is written there means what you asked for")),
        picture=(_("looks like it"), _("The picture shows what you asked for")),
        similar=(_("similar picture"), _("It looks like your picture")),
        names={"image": _("picture"), "text": _("text"), "words": _("words"), "reranker": _("reranker")},
        rank=_("Rank %(rank)s by %(label)s"),
        similarity=_("similarity %(value)s"),
    )


def levels(hits: Iterable[Hit]) -> Mapping[str, float]:
    """Return for each channel of vectors how alike a hit must be to stand out among these."""
    known: dict[str, list[float]] = {channel: [] for channel in Channel.values}
    for why in (why for hit in hits for why in hit.why):
        if why.channel in known and why.similarity is not None:
            known[why.channel].append(why.similarity)
    found = {channel: background(similarities) for channel, similarities in known.items()}
    return {channel: level + NEAR * (1.0 - level) for channel, level in found.items()}


def of(hit: Hit, said: Words, asked: Marks | None, near: Mapping[str, float]) -> SafeString:
    """Return the hit's badge: that words were found, else what is near in meaning, else nothing. asked: finds them."""
    if any(why.channel == "words" for why in hit.why):
        name = ("words", *_place_of_words(hit, said, asked))
    elif (nearest := _nearest(hit, near)) is not None:
        name = _meant(nearest, said, by_words=asked is not None)
    else:
        return SafeString("")
    symbol, label, meaning = name
    return format_html(WHY, meaning, icon(symbol, "small"), label)


def exactly(hit: Hit, said: Words) -> str:
    """Return the ranks and similarities of all channels, for who wants to know."""
    return " · ".join(_rank(why, said) for why in hit.why)


def _place_of_words(hit: Hit, said: Words, asked: Marks | None) -> tuple[str, str]:
    part = hit.part
    if part is None or part.role not in said.parts or asked is None or not asked.spans(part.text, inside=True):
        return said.words
    return said.parts[part.role]


def _nearest(hit: Hit, near: Mapping[str, float]) -> Why | None:
    """The channel of vectors that has it furthest in front, if that says anything."""
    if hit.band == "weak":
        return None
    known = [why for why in hit.why if why.channel in near and why.similarity is not None]
    telling = [why for why in known if hit.band is not None or (why.similarity or 0.0) >= near[why.channel]]
    return min(telling, key=lambda why: why.rank, default=None)


def _meant(why: Why, said: Words, *, by_words: bool) -> tuple[str, str, str]:
    if why.channel == Channel.IMAGE:
        return ("image", *(said.picture if by_words else said.similar))
    return ("meaning", *said.text)


def _rank(why: Why, said: Words) -> str:
    exact = said.rank % {"rank": why.rank, "label": said.names.get(why.channel, why.channel)}
    return exact if why.similarity is None else f"{exact}, {said.similarity % {'value': rounded(why.similarity, 2)}}"
