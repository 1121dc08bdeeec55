"""Two ways to search, side by side on the questions that a person saved or that were judged, before a switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from searchsite.indexing import spaces
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.library.scope import Scope
from searchsite.quality import comparing
from searchsite.quality.comparing import Comparison, Pair
from searchsite.quality.judged import Judged
from searchsite.quality.measuring import Unanswered
from searchsite.quality.runs import Configuration
from searchsite.search import reranking
from searchsite.search.questions import MODES, BadQuestion
from searchsite.web import cards, narrowing
from searchsite.web.cards import Card
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.quality import once_at_a_time, require
from searchsite.web.quality_chart import NAMES

SIDES = ("left", "right")
RERANKS = {"": None, "off": False}


@dataclass(frozen=True)
class Side:
    """One of the two ways, as the form has it. lacking: parts without a vector in its space."""

    name: str
    label: str
    space: Space | None
    mode: str
    rerank: str
    lacking: int

    @property
    def how(self) -> Configuration:
        """For asking."""
        return Configuration(self.space, self.mode, RERANKS[self.rerank])

    @property
    def values(self) -> dict[str, str]:
        """The parameters of its address."""
        number = str(self.space.pk) if self.space else ""
        found = {"space": number, "mode": self.mode, "rerank": self.rerank}
        return {f"{self.name}_{name}": value for name, value in found.items() if value}


@dataclass(frozen=True)
class Row:
    """One question in the table."""

    pair: Pair
    label: str
    address: str
    overlap: str
    rbo: str
    ndcg: Sequence[str]
    way: str
    """better, worse or same: what the right makes of it."""


@dataclass(frozen=True)
class Place:
    """One hit of one side. other: its place on the other side, if it is there among the first ten."""

    card: Card
    other: int | None
    grade: int | None


@in_team("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Choose two ways to search, and see what each makes of the questions; of one of them, both lists."""
    require(request)
    there = list(Space.objects.exclude(status=SpaceStatus.DROPPED).order_by("-pk"))
    left, right = (_side(name, request.GET, there) for name in SIDES)
    asked = comparing.questions(request.scope)
    shown: dict[str, Any] = {
        "sides": (left, right),
        "spaces": there,
        "modes": [(name, _mode(name)) for name in MODES],
        "reranks": reranking.is_configured(),
        "number": len(asked),
        "same": left.how == right.how,
    }
    chosen = any(name.startswith(("left_", "right_")) for name in request.GET)
    if (named := request.GET.get("question")) is not None:
        shown |= _lists(_named(named, asked), left, right, request.scope)
        return render(request, "quality/lists.html", shown)
    if chosen and asked and not shown["same"]:
        shown |= _compared(request, asked, left, right)
    return render(request, "quality/compare.html", shown)


def _compared(request: MemberRequest, asked: Sequence[Judged], left: Side, right: Side) -> dict[str, Any]:
    with once_at_a_time(request, f"comparing:{request.membership.pk}", comparing.SECONDS) as first:
        if not first:
            return {}
        return _table(comparing.compare(asked, left.how, right.how), left, right, request.scope)


def _side(name: str, params: QueryDict, there: Sequence[Space]) -> Side:
    answers = spaces.active()
    number, mode = params.get(f"{name}_space", ""), params.get(f"{name}_mode", "hybrid")
    rerank = params.get(f"{name}_rerank", "")
    if mode not in MODES or rerank not in RERANKS:
        raise Http404
    space = next((one for one in there if str(one.pk) == number), None)
    if number and space is None:
        raise Http404
    if not params and name == "right":
        # What is being built is what one asks about.
        space = next((one for one in there if one.status == SpaceStatus.BUILDING), None)
        mode = mode if space else "words"
    space = space or answers
    label = " · ".join(filter(None, [_named_space(space), _mode(mode), _("not reranked") if rerank else ""]))
    return Side(name, label, space, mode, rerank, spaces.lacking(space) if space else 0)


def _named_space(space: Space | None) -> str:
    if space is None:
        return _("no space")
    return _("%(space)s, space %(number)s") % {"space": space, "number": space.pk}


def _mode(name: str) -> str:
    return {"hybrid": _("meaning and words"), "meaning": _("meaning alone"), "words": _("words alone")}[name]


def _table(found: Comparison, left: Side, right: Side, scope: Scope) -> dict[str, Any]:
    before, after = found.figures
    return {
        "found": found,
        "overlap": f"{found.overlap:.2f}",
        "rbo": f"{found.rbo:.2f}",
        "figures": [(said, f"{before[name]:.2f}", f"{after[name]:.2f}") for name, said in NAMES.items()],
        "rows": [_row(pair, left, right, scope) for pair in found.pairs],
    }


def _row(pair: Pair, left: Side, right: Side, scope: Scope) -> Row:
    ndcg = [f"{one['ndcg@10']:.2f}" for one in pair.figures] if pair.figures else ["", ""]
    way = "same" if ndcg[0] == ndcg[1] else "better" if pair.change > 0 else "worse"
    said = narrowing.said(_address(pair.one), scope)
    way_there = urlencode({**left.values, **right.values, "question": pair.one.id})
    address = f"{reverse('quality-compare')}?{way_there}"
    return Row(pair, said, address, f"{pair.overlap:.2f}", f"{pair.rbo:.2f}", ndcg, way)


def _named(wanted: str, asked: Sequence[Judged]) -> Judged:
    found = next((one for one in asked if one.id == wanted), None)
    if found is None:
        raise Http404
    return found


def _lists(one: Judged, left: Side, right: Side, scope: Scope) -> dict[str, Any]:
    """Both lists of a question, each hit with its place in the other."""
    lists: list[list[Card]] = []
    wrong = []
    for side in (left, right):
        try:
            lists.append(cards.of_hits(comparing.hits(one, side.how), one.question.words))
            wrong.append("")
        except (BadQuestion, Unanswered) as error:
            lists.append([])
            wrong.append(str(error))
    places = [{card["id"]: at for at, card in enumerate(found, start=1)} for found in lists]
    columns = [
        [Place(card, other.get(card["id"]), one.grades.get(UUID(card["id"]))) for card in found]
        for found, other in zip(lists, reversed(places), strict=True)
    ]
    back = urlencode({**left.values, **right.values})
    return {
        "label": narrowing.said(_address(one), scope),
        "search": narrowing.address(_address(one)),
        "back": f"{reverse('quality-compare')}?{back}",
        "columns": list(zip((left, right), columns, wrong, strict=True)),
    }


def _address(one: Judged) -> QueryDict:
    return QueryDict(one.stored.address if one.stored else "")
