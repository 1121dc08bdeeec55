"""What the search page shows around the hits: tabs, chips, the filter form, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from searchsite.indexing import instructions, spaces
from searchsite.library.models import Collection, Kind
from searchsite.library.scope import Scope
from searchsite.search import questions, reranking
from searchsite.search.questions import Question, Term
from searchsite.search.wrong import BadQuestion
from searchsite.web import chips
from searchsite.web.addresses import FILTERS, NEGATIVE, PICTURED, home, without
from searchsite.web.addresses import PLACE as PLACE
from searchsite.web.addresses import address as address
from searchsite.web.chips import Chip
from searchsite.web.ids import parsed
from searchsite.web.templatetags.look import kind_name

KEPT = (*PICTURED, *NEGATIVE, *FILTERS, "sort")
WEAK = "weak"
"""The parameter of an address by which what hardly fits is shown as well. A new question folds it away again."""


@dataclass(frozen=True)
class Link:
    """A tab or a menu entry."""

    label: str
    url: str
    current: bool


def page_of(params: QueryDict, scope: Scope) -> dict[str, Any]:
    """Return everything that surrounds the hits."""
    words, beside = chips.box(params), chips.texts(params)[1:]
    terms = chips.of_terms(params, scope)
    narrowed = [name for name in FILTERS if any(params.getlist(name))]
    return {
        "words": words,
        "pictured": any(params.get(name) for name in PICTURED),
        "kept": [
            *(("q", text) for text in beside),
            *((name, value) for name in KEPT for value in params.getlist(name) if value),
        ],
        "replaced": FILTERS,
        "tabs": _tabs(params),
        "sorts": _sorts(params),
        "chips": [*terms, *chips.of_words(params), *_filters(params, scope)],
        "recent": _recent(params, words, terms),
        "narrowed": len(narrowed) - ("after" in narrowed and "before" in narrowed),
        "relaxed": address(params, drop=(*FILTERS, *PLACE)) if narrowed else "",
        "chosen": {name: params.getlist(name) for name in FILTERS},
        "here": address(params, drop=PLACE),
        "with_weak": address(params, drop=PLACE, **{WEAK: "1"}) + "#weak",
        "without_weak": address(params, drop=(WEAK, *PLACE)),
        "weak_shown": params.get(WEAK, "") in ("1", "true"),
        "facets_address": reverse("search-facets") + address(params, drop=PLACE).removeprefix(home()),
        "ask_address": reverse("ask") + address(params, drop=("sort", *PLACE)).removeprefix(home()),
        "reranks": reranking.is_configured(),
        "instructs": _takes_instructions(),
    }


def asked(params: QueryDict) -> Question:
    """Read an address's question as pages show it: without the weak hits, unless it says so. Raises BadQuestion."""
    question = questions.from_query(params)
    return replace(question, weak=bool(question.weak))


def listed(question: Question) -> str:
    """Return the parameters of a list, by which its items' own pages name it; that weak hits are left out goes without
    saying there.
    """
    return questions.to_query(replace(question, cursor=None, weak=question.weak or None))


def said(params: QueryDict, scope: Scope) -> str:
    """Return a question in a line: its words and what narrows it, as far as the person may see that."""
    labels = [chip.label for chip in (*chips.of_terms(params, scope), *kinds(params), *_filters(params, scope))]
    return " · ".join(dict.fromkeys(filter(None, [chips.box(params).strip(), *labels])))


def kinds(params: QueryDict) -> list[Chip]:
    """Return the kinds that are asked for, for pages that have no tabs."""
    return [Chip(kind_name(kind), without(params, "kind", kind)) for kind in params.getlist("kind") if kind]


def _takes_instructions() -> bool:
    space = spaces.active()
    return space is not None and instructions.are_taken(space)


def _recent(params: QueryDict, words: str, terms: list[Chip]) -> dict[str, str]:
    """What the browser keeps of the search for its list of recent ones: its terms, without filters."""
    if not words.strip() and not terms:
        return {}
    url = address(params, drop=(*FILTERS, "sort", WEAK, *PLACE))
    first = next((chip for chip in terms if chip.image), None)
    label = ", ".join([*([words.strip()] if words.strip() else []), *(chip.label for chip in terms)])
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
        words = Question(tuple(Term(text=text) for text in chips.texts(params)))
        return words.seeks or any(params.get(name) for name in (*PICTURED, *NEGATIVE))
    except BadQuestion:
        return True


def _filters(params: QueryDict, scope: Scope) -> list[Chip]:
    names = _collections(params, scope)
    span = _span(params.get("after", ""), params.get("before", ""))
    chips = [Chip(span, address(params, drop=("after", "before", *PLACE)))] if span else []
    return chips + [
        Chip(_label(name, value, names), without(params, name, value))
        for name in FILTERS
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
        "by": _("By %(value)s"),
        "after": _("Since %(value)s"),
        "before": _("Before %(value)s"),
        "instruct": _("Told: “%(value)s”"),
        "copies": _("Copies of one picture"),
        "tag": "#%(value)s",
    }
    return patterns[name] % {"value": value}
