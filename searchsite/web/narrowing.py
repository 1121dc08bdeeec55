"""What the search page shows around the hits: tabs, chips, the filter form, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, date
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext as _

from searchsite.indexing import instructions, spaces
from searchsite.library.models import Collection, Item, Kind
from searchsite.library.scope import Scope
from searchsite.search import reranking
from searchsite.search.questions import Question, Term
from searchsite.search.regions import MARK
from searchsite.search.wrong import BadQuestion
from searchsite.web.ids import parsed
from searchsite.web.templatetags.look import kind_name

FILTERS = ("kind", "collection", "tag", "by", "after", "before", "mode", "rerank", "instruct")
PLACE = ("cursor", "heads")
PICTURED = ("picture", "like", "unlike")
NEGATIVE = ("not",)
LIKE = {
    "like": (gettext_noop("Like “%(title)s”"), gettext_noop("Like a part of “%(title)s”")),
    "unlike": (gettext_noop("Not like “%(title)s”"), gettext_noop("Not like a part of “%(title)s”")),
}
KEPT = (*PICTURED, *NEGATIVE, *FILTERS, "sort")


@dataclass(frozen=True)
class Link:
    """A tab or a menu entry."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Chip:
    """One active filter, and the address without it.

    Of a picture, also what it looks like, small and `whole`, the region that is asked for, if not all of it, and the
    address for another: with REGION where that is to stand.
    """

    label: str
    without: str
    image: str = ""
    whole: str = ""
    region: str = ""
    part: str = ""


def page_of(params: QueryDict, scope: Scope) -> dict[str, Any]:
    """Return everything that surrounds the hits."""
    words = params.get("q", "").replace("\x00", "")
    pictures = _pictures(params, scope)
    narrowed = [name for name in FILTERS if any(params.getlist(name))]
    return {
        "words": words,
        "pictured": any(params.get(name) for name in PICTURED),
        "kept": [
            (name, value)
            for name in (*PICTURED, *NEGATIVE, *FILTERS, "sort")
            for value in params.getlist(name)
            if value
        ],
        "replaced": FILTERS,
        "tabs": _tabs(params),
        "sorts": _sorts(params),
        "chips": [*pictures, *_filters(params, scope)],
        "recent": _recent(params, words, pictures),
        "narrowed": len(narrowed) - ("after" in narrowed and "before" in narrowed),
        "relaxed": address(params, drop=(*FILTERS, *PLACE)) if narrowed else "",
        "chosen": {name: params.getlist(name) for name in FILTERS},
        "here": address(params, drop=PLACE),
        "facets_address": reverse("search-facets") + address(params, drop=PLACE).removeprefix(_home()),
        "ask_address": reverse("ask") + address(params, drop=("sort", *PLACE)).removeprefix(_home()),
        "reranks": reranking.is_configured(),
        "instructs": _takes_instructions(),
    }


def kinds(params: QueryDict) -> list[Chip]:
    """Return the kinds that are asked for, for pages that have no tabs."""
    return [Chip(kind_name(kind), _without(params, "kind", kind)) for kind in params.getlist("kind") if kind]


def address(params: QueryDict, *, drop: tuple[str, ...] = (), **change: str) -> str:
    """Return the search's address with some parameters dropped or set."""
    left = [(name, values) for name, values in params.lists() if name not in drop and name not in change]
    return _address([*left, *((name, [value]) for name, value in change.items())])


def _address(params: Iterable[tuple[str, Iterable[str]]]) -> str:
    query = urlencode([(name, value) for name, values in params for value in values])
    return _home() + (f"?{query}" if query else "")


@cache
def _home() -> str:
    return reverse("home")


def _takes_instructions() -> bool:
    space = spaces.active()
    return space is not None and instructions.are_taken(space)


def _recent(params: QueryDict, words: str, pictures: list[Chip]) -> dict[str, str]:
    """What the browser keeps of the search for its list of recent ones: its terms, without filters."""
    if not words.strip() and not pictures:
        return {}
    url = address(params, drop=(*FILTERS, "sort", *PLACE))
    first = next((chip for chip in pictures if chip.image), None)
    label = ", ".join([*([words.strip()] if words.strip() else []), *(chip.label for chip in pictures)])
    return {"url": url, "words": words.strip(), "label": label[:200], "image": first.image if first else ""}


def _tabs(params: QueryDict) -> list[Link]:
    names = {"": _("All"), Kind.IMAGE: _("Photos"), Kind.SCREENSHOT: _("Screenshots"), Kind.TEXT: _("Texts")}
    now = params.getlist("kind")
    return [
        Link(
            label,
            address(params, drop=PLACE, kind=kind) if kind else address(params, drop=("kind", *PLACE)),
            now == [kind] if kind else not now,
        )
        for kind, label in names.items()
    ]


def _sorts(params: QueryDict) -> list[Link]:
    names = {"relevance": _("Relevance"), "newest": _("Newest"), "oldest": _("Oldest")}
    if not _seeks(params):
        del names["relevance"]
    now = params.get("sort") or next(iter(names))
    return [Link(label, address(params, drop=PLACE, sort=sort), now == sort) for sort, label in names.items()]


def _seeks(params: QueryDict) -> bool:
    """Whether there is something to rank by; conditions alone are listed by date."""
    try:
        words = Question(tuple(Term(text=text) for text in params.getlist("q") if text.strip()))
        return words.seeks or any(params.get(name) for name in PICTURED)
    except BadQuestion:
        return True


def _pictures(params: QueryDict, scope: Scope) -> list[Chip]:
    chips = []
    for value in params.getlist("picture"):
        own, _mark, region = value.partition(MARK)
        if public_id := parsed(own):
            image = reverse("query-picture", args=[public_id])
            label = _("A part of your picture") if region else _("Your picture")
            rest = (image, image, region, _parted(params, "picture", value, own))
            chips.append(Chip(label, _without(params, "picture", value), *rest))
    return [*chips, *(chip for name in LIKE for chip in _alike(params, name, scope))]


def _alike(params: QueryDict, name: str, scope: Scope) -> list[Chip]:
    """The items to be near to, or not: one can be asked for as a whole and by its parts."""
    ids = {value: public_id for value in params.getlist(name) if (public_id := parsed(value.partition(MARK)[0]))}
    items = Item.objects.visible_to(scope).in_bulk(set(ids.values()), field_name="public_id")
    # One id can be written in several ways.
    same: dict[tuple[UUID, str], list[str]] = {}
    for value, public_id in ids.items():
        if public_id in items:
            same.setdefault((public_id, value.partition(MARK)[2]), []).append(value)
    whole, part = LIKE[name]
    chips = []
    for (public_id, region), values in same.items():
        label = gettext(part if region else whole) % {"title": items[public_id].title}
        pictured: tuple[str, ...] = ()
        if items[public_id].width:
            images = (reverse("thumbnail", args=[public_id, size]) for size in (480, 2048))
            pictured = (*images, region, _parted(params, name, values[0], str(public_id)))
        chips.append(Chip(label, _without(params, name, *values), *pictured))
    return chips


def _parted(params: QueryDict, name: str, value: str, own: str) -> str:
    """The address that asks for a part of the picture instead, with REGION where that is to stand."""
    changed = [one if one != value else f"{own}{MARK}REGION" for one in params.getlist(name)]
    return _address(
        (other, changed if other == name else values) for other, values in params.lists() if other not in PLACE
    )


def _filters(params: QueryDict, scope: Scope) -> list[Chip]:
    names = _collections(params, scope)
    span = _span(params.get("after", ""), params.get("before", ""))
    chips = [Chip(span, address(params, drop=("after", "before", *PLACE)))] if span else []
    return chips + [
        Chip(_label(name, value, names), _without(params, name, value))
        for name in (*NEGATIVE, *FILTERS)
        for value in params.getlist(name)
        if value and (name, value) != ("mode", "hybrid") and (name != "kind" or len(params.getlist("kind")) > 1)
        if not (span and name in ("after", "before"))
    ]


def _collections(params: QueryDict, scope: Scope) -> dict[UUID, str]:
    """The names of the collections that are asked for."""
    asked = {public_id for value in params.getlist("collection") if (public_id := parsed(value))}
    if not asked:
        return {}
    found = Collection.objects.filter(pk__in=scope.collection_ids, public_id__in=asked)
    return {one.public_id: one.shown_name for one in found.only("public_id", "name", "purpose")}


def _span(after: str, before: str) -> str:
    """The name of a whole month or year, where the two days are its ends; else nothing."""
    try:
        first, end = date.fromisoformat(after), date.fromisoformat(before)
    except ValueError:
        return ""
    if (first.month, first.day) == (1, 1) and end == date(min(first.year + 1, MAXYEAR), 1, 1):
        return str(first.year)
    if first.day == 1 and end == date(min(first.year + first.month // 12, MAXYEAR), first.month % 12 + 1, 1):
        return date_format(first, "YEAR_MONTH_FORMAT")
    return ""


def _label(name: str, value: str, collections: Mapping[UUID, str]) -> str:
    if name == "collection":
        public_id = parsed(value)
        return collections.get(public_id, _("Unknown collection")) if public_id else _("Unknown collection")
    if name == "kind":
        return kind_name(value)
    if name == "mode":
        return {"words": _("Exact words only"), "meaning": _("Meaning only")}.get(value, value)
    if name == "rerank":
        return _("Without the reranker") if value in ("false", "0") else _("With the reranker")
    patterns = {
        "not": _("Not “%(value)s”"),
        "by": _("By %(value)s"),
        "after": _("Since %(value)s"),
        "before": _("Before %(value)s"),
        "instruct": _("Told: “%(value)s”"),
        "tag": "#%(value)s",
    }
    return patterns[name] % {"value": value}


def _without(params: QueryDict, name: str, *dropped: str) -> str:
    left = ((own, [one for one in values if own != name or one not in dropped]) for own, values in params.lists())
    return _address((own, values) for own, values in left if own not in PLACE)
