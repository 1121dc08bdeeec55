"""The chips of a question's terms: what it is to be near to or away from, and what was understood of its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext as _

from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search import grammar
from searchsite.search.grammar import Filter, Node, Not, Phrase, Word
from searchsite.search.questions import MOST_CHARS
from searchsite.search.regions import MARK
from searchsite.search.wrong import BadQuestion
from searchsite.web import addresses
from searchsite.web.ids import parsed
from searchsite.web.templatetags.look import kind_name

# The whole of a picture, and a part of it.
OWN = {
    "picture": (gettext_noop("Your picture"), gettext_noop("A part of your picture")),
    "unpicture": (gettext_noop("Not like your picture"), gettext_noop("Not like a part of your picture")),
}
ALIKE = {
    "like": (gettext_noop("Like “%(title)s”"), gettext_noop("Like a part of “%(title)s”")),
    "unlike": (gettext_noop("Not like “%(title)s”"), gettext_noop("Not like a part of “%(title)s”")),
}


@dataclass(frozen=True)
class Chip:
    """One active term or filter, and the address without it.

    Of a picture, also what it looks like, small and `whole`, the region that is asked for, if not all of it, and the
    address for another: with REGION where that is to stand. turned: the address that asks for the opposite. away:
    nothing like it is wanted. typed: it stands in the words of the box; exact: as a text in quotes.
    """

    label: str
    without: str
    image: str = ""
    whole: str = ""
    region: str = ""
    part: str = ""
    turned: str = ""
    away: bool = False
    typed: bool = False
    exact: bool = False


def of_terms(params: QueryDict, scope: Scope) -> list[Chip]:
    """Return the chips of all terms but the words in the box."""
    beside = [Chip(f"“{text}”", addresses.without(params, "q", text)) for text in texts(params)[1:]]
    away = [
        Chip(_("Not like “%(title)s”") % {"title": text}, addresses.without(params, "not", text), away=True)
        for text in dict.fromkeys(params.getlist("not"))
        if text.strip()
    ]
    pictures = [*(chip for name in OWN for chip in _own(params, name))]
    return [*beside, *pictures, *(chip for name in ALIKE for chip in _alike(params, name, scope)), *away]


def texts(params: QueryDict) -> list[str]:
    """Return the texts to be near to; the first is the one in the box."""
    return [text for one in params.getlist("q") if (text := one.replace("\x00", "")).strip()]


def box(params: QueryDict | None) -> str:
    """Return the words that stand in the box."""
    return "" if params is None else next(iter(texts(params)), "")


def pieces(words: str) -> tuple[grammar.Piece, ...]:
    """Return the conditions and texts in quotes that the words hold; none where they can't be read."""
    try:
        return grammar.read(words).pieces if len(words) <= MOST_CHARS else ()
    except BadQuestion:
        return ()


def of_words(params: QueryDict) -> list[Chip]:
    """Return what was understood of the words in the box; to remove one takes it out of them."""
    words = box(params)
    return [
        Chip(
            label=said(piece.node),
            without=addresses.with_words(params, grammar.without(words, piece)),
            away=isinstance(piece.node, Not),
            typed=True,
            exact=isinstance(piece.node, Phrase),
        )
        for piece in pieces(words)
    ]


def said(node: Node) -> str:
    """Return a condition as people say it."""
    if isinstance(node, Not):
        return _not(node.part)
    if isinstance(node, grammar.Any | grammar.All):
        joiner = _(" or ") if isinstance(node, grammar.Any) else ", "
        return joiner.join(f"({said(part)})" if isinstance(part, grammar.All) else said(part) for part in node.parts)
    if isinstance(node, Filter):
        return _filter(node)
    return (_("Exactly “%(text)s”") if isinstance(node, Phrase) else _("the word “%(text)s”")) % {"text": node.text}


def _not(node: Node) -> str:
    if isinstance(node, Word):
        return _("Not the word “%(text)s”") % {"text": node.text}
    if isinstance(node, Phrase):
        return _("Not “%(text)s”") % {"text": node.text}
    inside = f"({said(node)})" if isinstance(node, grammar.Any | grammar.All) else said(node)
    return _("Not: %(what)s") % {"what": inside}


def _filter(node: Filter) -> str:
    value = node.value
    if isinstance(value, timedelta):
        return _age(value)
    if node.field == "kind":
        return kind_name(str(value))
    written = value.isoformat() if isinstance(value, date) else str(value)
    patterns = {
        "tag": "#%(value)s",
        "in": _("In %(value)s"),
        "by": _("By %(value)s"),
        "after": _("Since %(value)s"),
        "before": _("Before %(value)s"),
    }
    return patterns[node.field] % {"value": written}


def _age(span: timedelta) -> str:
    hours = round(abs(span).total_seconds() / 3600)
    days = hours // 24
    if days and not hours % 24:
        old = ngettext("Older than %(count)s day", "Older than %(count)s days", days)
        new = ngettext("Of the last %(count)s day", "Of the last %(count)s days", days)
        return (old if span < timedelta(0) else new) % {"count": days}
    old = ngettext("Older than %(count)s hour", "Older than %(count)s hours", hours)
    new = ngettext("Of the last %(count)s hour", "Of the last %(count)s hours", hours)
    return (old if span < timedelta(0) else new) % {"count": hours}


def _own(params: QueryDict, name: str) -> Iterator[Chip]:
    """The pictures that a person handed in to search by."""
    whole, part = OWN[name]
    for value in dict.fromkeys(params.getlist(name)):
        own, _mark, region = value.partition(MARK)
        if public_id := parsed(own):
            image = reverse("query-picture", args=[public_id])
            yield Chip(
                label=gettext(part if region else whole),
                without=addresses.without(params, name, value),
                image=image,
                whole=image,
                region=region,
                part=_parted(params, name, value, own),
                turned=addresses.turned(params, name, value),
                away=name.startswith("un"),
            )


def _alike(params: QueryDict, name: str, scope: Scope) -> Iterator[Chip]:
    """The items to be near to, or not: one can be asked for as a whole and by its parts."""
    ids = {value: public_id for value in params.getlist(name) if (public_id := parsed(value.partition(MARK)[0]))}
    items = Item.objects.visible_to(scope).in_bulk(set(ids.values()), field_name="public_id")
    # One id can be written in several ways.
    same: dict[tuple[UUID, str], list[str]] = {}
    for value, public_id in ids.items():
        if public_id in items:
            same.setdefault((public_id, value.partition(MARK)[2]), []).append(value)
    whole, part = ALIKE[name]
    for (public_id, region), values in same.items():
        item = items[public_id]
        small, large = (reverse("thumbnail", args=[public_id, size]) if item.width else "" for size in (480, 2048))
        yield Chip(
            label=gettext(part if region else whole) % {"title": item.title},
            without=addresses.without(params, name, *values),
            image=small,
            whole=large,
            region=region if item.width else "",
            part=_parted(params, name, values[0], str(public_id)) if item.width else "",
            turned=addresses.turned(params, name, *values),
            away=name.startswith("un"),
        )


def _parted(params: QueryDict, name: str, value: str, own: str) -> str:
    """The address that asks for a part of the picture instead, with REGION where that is to stand."""
    changed = [one if one != value else f"{own}{MARK}REGION" for one in params.getlist(name)]
    return addresses.of(
        (other, changed if other == name else values)
        for other, values in params.lists()
        if other not in addresses.PLACE
    )
