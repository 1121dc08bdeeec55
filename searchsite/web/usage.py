"""The usage page: what networks were asked for in a month, what it cost, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject

from searchsite import config
from searchsite.accounts import audit, budgets, ledger, prices
from searchsite.accounts.budgets import Budget
from searchsite.accounts.models import Role, Team, Usage
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import team_of
from searchsite.web.sheets import sheet

ALL = "all"
FIRST_YEAR, LAST_YEAR = 2000, 2200
HEAD = (
    "day",
    "team",
    "operation",
    "network",
    "server",
    "calls",
    "inputs",
    "tokens",
    "output tokens",
    "US dollars",
    "inputs without a known price",
    "seconds",
)


@dataclass(frozen=True)
class _Asked:
    """Whose usage, and of which month; no team means all of them."""

    team: Team | None
    month: date

    @property
    def last(self) -> date:
        return budgets.following(self.month) - timedelta(days=1)

    def address(self, month: date | None = None, team: Team | None = None) -> str:
        """The query of the page for another month or team."""
        chosen = team or self.team
        asked = {"month": f"{month or self.month:%Y-%m}", "team": str(chosen.public_id) if chosen else ALL}
        return f"?{urlencode(asked)}"


@in_team("GET")
def usage(request: MemberRequest) -> HttpResponseBase:
    """Show a month in tables, and the prices it is reckoned by."""
    asked = _asked(request)
    rows = ledger.rows(asked.month, asked.last, team=asked.team)
    page = {
        "month": asked.month,
        "team": asked.team,
        "total": ledger.total(rows),
        "tables": {by: ledger.lines(rows, by) for by in ("day", "network", "operation")},
        "unpriced": ledger.unpriced_networks(rows),
        "prices": sorted(prices.table().items()),
        "prices_date": config.load().prices_date,
        "csv": asked.address(),
    }
    return render(request, "usage/page.html", page | _ways(asked) | _owned(request, asked, rows))


@in_team("GET")
def download(request: MemberRequest) -> HttpResponseBase:
    """The month's daily sums as CSV."""
    asked = _asked(request)
    audit.note(audit.Action.EXPORTED, ("usage", f"{asked.month:%Y-%m}"), team_id=asked.team.pk if asked.team else None)
    rows = ledger.rows(asked.month, asked.last, team=asked.team)
    return sheet(f"usage-{asked.month:%Y-%m}", HEAD, map(_row, _known(rows)))


def may_see(request: HttpRequest) -> bool:
    """Whether the person leads the team they work in, or the house."""
    membership = getattr(request, "membership", None) or None
    return membership is not None and (request.user.is_superuser or membership.role == Role.ADMIN)


def notices(request: HttpRequest) -> dict[str, Any]:
    """For the templates: whether there is a way to the usage page, and warnings of budgets near their end."""
    return {
        "sees_usage": SimpleLazyObject(lambda: may_see(request)),
        "budget_warnings": SimpleLazyObject(lambda: _warnings(request)),
    }


def _warnings(request: HttpRequest) -> list[str]:
    if not may_see(request):
        return []
    return [budget.warning for budget in _budgets_for(request) if budget.warning]


def _budgets_for(request: HttpRequest) -> list[Budget]:
    """The team's, and that of all: to those who lead a team, the latter shows only once it stops them."""
    found = budgets.standing([request.membership.team_id])  # type: ignore[attr-defined]  # by our middleware
    return [one for one in found if one.team_id is not None or one.is_spent or request.user.is_superuser]


def _asked(request: MemberRequest) -> _Asked:
    if not may_see(request):
        raise PermissionDenied
    return _Asked(_team(request), _month(request.GET.get("month", "")))


def _team(request: MemberRequest) -> Team | None:
    """The team asked for. Who leads one team sees that alone: another's is as if it were not there."""
    own, wanted = request.membership.team, request.GET.get("team", "")
    if request.user.is_superuser and wanted in ("", ALL):
        return None
    if wanted in ("", str(own.public_id)):
        return own
    if not request.user.is_superuser:
        raise Http404
    return team_of(wanted)


def _month(text: str) -> date:
    if not text:
        return budgets.this_month()
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if not FIRST_YEAR <= month.year <= LAST_YEAR:
        raise Http404
    return month


def _ways(asked: _Asked) -> dict[str, Any]:
    """The ways to the months before and after."""
    before = (asked.month - timedelta(days=1)).replace(day=1)
    after = budgets.following(asked.month)
    return {"before": asked.address(before), "after": asked.address(after) if after <= budgets.this_month() else ""}


def _owned(request: MemberRequest, asked: _Asked, rows: Any) -> dict[str, Any]:
    """What only shows this month, or only to those who lead the house."""
    page: dict[str, Any] = {"budgets": []}
    if asked.month == budgets.this_month():
        found = budgets.standing([asked.team.pk] if asked.team else [])
        page["budgets"] = [one for one in found if one.team_id is not None or request.user.is_superuser]
    if request.user.is_superuser:
        teams = Team.objects.order_by("name")
        page["teams"] = [(one, asked.address(team=one)) for one in teams]
        page["all_teams"] = _Asked(None, asked.month).address()
    if asked.team is None:
        page["tables_of_teams"] = ledger.lines(rows, "team")
    return page


def _known(rows: Any) -> Iterator[Usage]:
    found = rows.select_related("team").order_by("day", "team_id", "operation", "embedder", "provider")
    yield from found.iterator()


def _row(row: Usage) -> list[object]:
    cost = "" if row.cost is None else f"{row.cost:f}"
    names = [row.day.isoformat(), row.team.name if row.team else "", row.operation, row.embedder, row.provider]
    counts = [row.calls, row.inputs, row.tokens, row.output_tokens]
    return [*names, *counts, cost, row.unpriced, f"{row.seconds:.3f}"]
