"""The list that an item was opened from: what stands before and after the item in it, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from searchsite.library import signing
from searchsite.library.models import Item
from searchsite.search import beside
from searchsite.search.beside import Beside
from searchsite.search.cards import Card
from searchsite.search.questions import BadQuestion
from searchsite.web import addresses, narrowing
from searchsite.web.doors import MemberRequest
from searchsite.web.templatetags.look import readable

# The parameter that carries the list's own parameters.
NAME = "in"
MOST_CHARS = 6000


@dataclass(frozen=True)
class Neighbour:
    """An item in the strip."""

    id: UUID
    url: str
    title: str
    alt: str
    kind: str
    thumbnail: str
    preview: str
    placeholder: str
    current: bool = False


@dataclass(frozen=True)
class Around:
    """What the page shows of the list. `query`: its parameters; `back`: its address."""

    query: str
    back: str
    label: str
    strip: Sequence[Neighbour]
    previous: Neighbour | None
    next: Neighbour | None
    place: int | None
    total: int


def around(request: MemberRequest, item: Item) -> Around:
    """Return what lies around the item in the list that the address names; without one, in its collection."""
    named = asked(request)
    params = QueryDict(urlencode({"collection": item.collection.public_id})) if named is None else named
    try:
        found = beside.beside(item, narrowing.asked(params), request.scope)
    except BadQuestion:
        params, found = QueryDict(""), Beside()
    query = params.urlencode()
    before, after = [_near(card, query) for card in found.before], [_near(card, query) for card in found.after]
    strip = [*before, _here(item, query), *after] if before or after else []
    return Around(
        query=query,
        back=narrowing.address(params),
        label=_label(params),
        strip=strip,
        previous=before[-1] if before else None,
        next=after[0] if after else None,
        place=found.place,
        total=found.total,
    )


def asked(request: MemberRequest) -> QueryDict | None:
    """The list's parameters, where the request names a list; empty ones are those of the newest items."""
    given = request.POST.get(NAME, request.GET.get(NAME))
    if given is None:
        return None
    params = QueryDict(given[:MOST_CHARS].replace("\x00", ""), mutable=True)
    for name in narrowing.PLACE:
        params.pop(name, None)
    return params


def words_of(params: QueryDict) -> str:
    """What the list's question looks for by its words; nothing where it can't be read."""
    try:
        return narrowing.asked(params).words
    except BadQuestion:
        return ""


def address(public_id: UUID, query: str | None) -> str:
    """The address of an item's page within a list."""
    page = reverse("item", args=[public_id])
    return page if query is None else f"{page}?{urlencode({NAME: query})}"


def _near(card: Card, query: str) -> Neighbour:
    pictured = card.width is not None
    return Neighbour(
        id=card.id,
        url=address(card.id, query),
        title=card.title,
        alt=card.caption or ", ".join([readable(card.title), *card.tags[:3]]),
        kind=card.kind,
        thumbnail=signing.shown(reverse("thumbnail", args=[card.id, 480])) if pictured else "",
        preview=signing.shown(reverse("thumbnail", args=[card.id, 2048])) if pictured else "",
        placeholder=card.placeholder,
    )


def _here(item: Item, query: str) -> Neighbour:
    pictured = item.width is not None
    return Neighbour(
        id=item.public_id,
        url=address(item.public_id, query),
        title=item.title,
        alt=readable(item.title),
        kind=item.kind,
        thumbnail=signing.shown(reverse("thumbnail", args=[item.public_id, 480])) if pictured else "",
        preview="",
        placeholder=item.placeholder,
        current=True,
    )


def _label(params: QueryDict) -> str:
    if any(params.get(name) for name in ("q", *addresses.PICTURED, *addresses.NEGATIVE)):
        return _("Back to the results")
    return _("Back to the list")
