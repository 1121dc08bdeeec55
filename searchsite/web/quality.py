"""The page of how well search answers: figures over time by configuration, and the questions it answers worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite import config
from searchsite.library.numbers import grouped
from searchsite.library.scope import Scope
from searchsite.quality import judged, runs
from searchsite.quality.models import EvaluationRun, Origin
from searchsite.web import narrowing, quality_chart, usage
from searchsite.web.doors import MemberRequest, in_team

RUNS, ROWS, WORST = 120, 30, 12
MEASURE_SECONDS = 15.0


@dataclass(frozen=True)
class Row:
    """One run in the table."""

    run: EvaluationRun
    letter: str
    setup: str
    values: Sequence[str]


@dataclass(frozen=True)
class Poor:
    """A question that is answered badly, as far as the person may see what was asked."""

    label: str
    address: str
    ndcg: float


@in_team("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Show the figures of the team that the person works in."""
    require(request)
    team = request.membership.team
    newest = list(EvaluationRun.objects.filter(team=team).order_by("-created_at", "-pk")[:RUNS])
    by_time = newest[::-1]
    letters = quality_chart.letters(by_time)
    marked, clicked = judged.count(team)
    shown = {
        "team": team,
        "marked": marked,
        "clicked": clicked,
        "latest": newest[0] if newest else None,
        "chart": quality_chart.drawn(by_time),
        "names": [(name.partition("@")[0], quality_chart.NAMES[name]) for name in quality_chart.SHOWN],
        "columns": list(quality_chart.NAMES.values()),
        "rows": [_row(run, letters[run.fingerprint]) for run in newest[:ROWS]],
        "cards": _cards(newest[0]) if newest else [],
        "worst": _worst(newest[0], request.scope) if newest else [],
        "records_clicks": config.load().record_clicks,
    }
    return render(request, "quality/page.html", shown)


@contextmanager
def once_at_a_time(request: MemberRequest, key: str, seconds: float) -> Iterator[bool]:
    """Whether nobody measures by this key now; else it is said. Two at once would ask and pay for everything twice."""
    first = cache.add(key, True, seconds * 2)
    if not first:
        messages.error(request, _("Search is being measured already."))
    try:
        yield first
    finally:
        if first:
            cache.delete(key)


@in_team("POST")
def measure(request: MemberRequest) -> HttpResponseBase:
    """Measure now, for some seconds at most."""
    require(request)
    team = request.membership.team
    with once_at_a_time(request, f"measuring:{team.pk}", MEASURE_SECONDS) as first:
        if not first:
            return redirect("quality")
        made, why = runs.run(team, Origin.PERSON, seconds=MEASURE_SECONDS)
    if made is None:
        sentence = _("No judged question could be asked: %(why)s") % {"why": why} if why else ""
        messages.error(request, sentence or _("No question has a known answer yet, so there is nothing to measure."))
        return redirect("quality")
    words = ngettext("%(number)s question was asked.", "%(number)s questions were asked.", made.asked)
    messages.success(request, words % {"number": grouped(made.asked)})
    if made.left_out:
        left = ngettext("%(number)s was left out.", "%(number)s were left out.", made.left_out)
        messages.warning(request, " ".join(filter(None, [left % {"number": grouped(made.left_out)}, why])))
    return redirect("quality")


def require(request: MemberRequest) -> None:
    """Let in who leads the team, or the house, as to the usage page."""
    if not usage.may_see(request):
        raise PermissionDenied


def setup(described: dict[str, Any]) -> str:
    """A configuration in a line."""
    parts = [described.get("embedder") or _("no embedder")]
    if described.get("space"):
        parts.append(_("space %(number)s") % {"number": described["space"]})
    parts.append(_("reranked by %(name)s") % {"name": described["reranker"]} if described.get("reranker") else "")
    parts.append(_("captions by %(name)s") % {"name": described["captioner"]} if described.get("captioner") else "")
    return " · ".join(filter(None, parts))


def _row(run: EvaluationRun, letter: str) -> Row:
    values = [f"{float(run.figures.get(name, 0.0)):.2f}" for name in quality_chart.NAMES]
    return Row(run, letter, setup(run.configuration), values)


def _cards(run: EvaluationRun) -> list[tuple[str, str, str]]:
    said = {
        "ndcg@10": _("How near the order of the first ten is to the best there could be"),
        "recall@10": _("How many of the known answers are among the first ten"),
        "mrr": _("One divided by the place of the first answer, on average"),
    }
    return [
        (quality_chart.NAMES[name], f"{float(run.figures.get(name, 0.0)):.2f}", said[name])
        for name in quality_chart.SHOWN
    ]


def _worst(run: EvaluationRun, scope: Scope) -> list[Poor]:
    """The questions with the lowest nDCG, of those of which the person sees an answer."""
    scores = {int(pk): float(value) for pk, value in run.each.items()}
    seen = [one.stored for one in judged.for_viewer(scope) if one.stored is not None]
    poor = sorted((scores[one.pk], one.pk, one) for one in seen if scores.get(one.pk, 1.0) < 1.0)
    return [
        Poor(narrowing.said(QueryDict(one.address), scope), narrowing.address(QueryDict(one.address)), ndcg)
        for ndcg, _pk, one in poor[:WORST]
    ]
