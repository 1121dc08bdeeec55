"""Why a search found nothing, and the ways out of it. It costs some searches more, which only an empty page pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.http import QueryDict

from searchsite.jobs import overview
from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search import find, grammar, notices
from searchsite.search.grammar import Phrase
from searchsite.search.pace import Budget
from searchsite.search.questions import Filters, Question
from searchsite.search.wrong import BadQuestion, TooLong
from searchsite.web import addresses, chips, narrowing
from searchsite.web.chips import Chip

MOST_TRIED = 6
# The filters that are conditions.
KEEPING_OUT = ("kind", "collection", "tag", "by", "after", "before")


@dataclass(frozen=True)
class Way:
    """The search without one of its filters, and how many it finds; None where there was no time to look."""

    label: str
    url: str
    total: int | None
    away: bool = False


@dataclass(frozen=True)
class Why:
    """What keeps the page empty: no items at all, filters, or items that are still worked on."""

    nothing_there: bool
    ways: tuple[Way, ...]
    unfiltered: int | None
    items: int
    waiting: int
    relaxed: str = ""
    """The address without any filter and typed condition."""


def why_empty(question: Question, params: QueryDict, scope: Scope, shown: Iterable[Chip], budget: Budget) -> Why:
    """Look for the reasons, in the time that the question has left."""
    visible = Item.objects.visible_to(scope)
    items = visible.count()
    if not items:
        return Why(True, (), 0, 0, 0)
    waiting = visible.filter(overview.open_for("pk")).count()
    if question.filters == Filters() and not question.conditions:
        return Why(False, (), 0, items, waiting)
    tried = [chip for chip in dict.fromkeys([*narrowing.kinds(params), *shown]) if not chip.image and not chip.exact]
    tried, free = tried[:MOST_TRIED], relaxed(params)
    unfiltered = _total(free, scope, budget, len(tried) + 1)
    ways = [
        Way(chip.label, chip.without, _total(chip.without, scope, budget, len(tried) - at), chip.away)
        for at, chip in enumerate(tried)
    ]
    return Why(False, tuple(way for way in ways if way.total != 0), unfiltered, items, waiting, free)


def relaxed(params: QueryDict) -> str:
    """Return the address of the same search without its filters and without the conditions in its words; how to search
    stays as it was.
    """
    words = chips.box(params)
    while piece := next((one for one in chips.pieces(words) if not isinstance(one.node, Phrase)), None):
        words = grammar.without(words, piece)
    free = params.copy()
    for name in KEEPING_OUT:
        free.pop(name, None)
    return addresses.with_words(free, words)


def _total(address: str, scope: Scope, budget: Budget, parts: int) -> int | None:
    """How many it finds, None where that takes too long; a question that can't be asked that way leads nowhere.

    parts: of so many the time has one.
    """
    if budget.is_over:
        return None
    try:
        asked = narrowing.asked(QueryDict(address.partition("?")[2]))
        results = find.find(replace(asked, limit=1, rerank=False), scope, budget=budget.share(parts))
    except TooLong:
        return None
    except BadQuestion:
        return 0
    return None if notices.is_cut(results.notes) else results.total_estimate
