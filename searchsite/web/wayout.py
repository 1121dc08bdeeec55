"""Why a search found nothing, and the ways out of it. It costs some searches more, which only an empty page pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.http import QueryDict

from searchsite.jobs import overview
from searchsite.library.models import Item
from searchsite.library.scope import Scope
from searchsite.search import find, questions
from searchsite.search.questions import Filters, Question
from searchsite.search.wrong import BadQuestion
from searchsite.web import narrowing
from searchsite.web.narrowing import Chip

MOST_TRIED = 6


@dataclass(frozen=True)
class Way:
    """The search without one of its filters, and how many it finds."""

    label: str
    url: str
    total: int


@dataclass(frozen=True)
class Why:
    """What keeps the page empty: no items at all, filters, or items that are still worked on."""

    nothing_there: bool
    ways: tuple[Way, ...]
    unfiltered: int
    items: int
    waiting: int


def why_empty(question: Question, params: QueryDict, scope: Scope, chips: Iterable[Chip]) -> Why:
    """Look for the reasons."""
    visible = Item.objects.visible_to(scope)
    items = visible.count()
    if not items:
        return Why(True, (), 0, 0, 0)
    waiting = visible.filter(overview.open_for("pk")).count()
    plain = replace(question, cursor=None, limit=1, rerank=False)
    if question.filters == Filters():
        return Why(False, (), 0, items, waiting)
    tried = [chip for chip in dict.fromkeys([*narrowing.kinds(params), *chips]) if not chip.image]
    ways = [_way(chip, scope) for chip in tried[:MOST_TRIED]]
    unfiltered = _total(replace(plain, filters=Filters()), scope)
    return Why(False, tuple(way for way in ways if way.total), unfiltered, items, waiting)


def _way(chip: Chip, scope: Scope) -> Way:
    asked = questions.from_query(QueryDict(chip.without.partition("?")[2]))
    return Way(chip.label, chip.without, _total(replace(asked, limit=1, rerank=False), scope))


def _total(question: Question, scope: Scope) -> int:
    """How many it finds; a question that can't be asked that way leads nowhere."""
    try:
        return find.find(question, scope).total_estimate
    except BadQuestion:
        return 0
