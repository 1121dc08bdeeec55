"""What networks were asked for, what it cost, and what is left of the budgets."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from searchsite import config
from searchsite.accounts import budgets, ledger
from searchsite.accounts.budgets import Budget
from searchsite.accounts.ledger import Line, Sums
from searchsite.accounts.models import Team, Usage
from searchsite.api import usage_schemas as schemas
from searchsite.api.auth import READ, Caller, Request
from searchsite.api.problems import Problem

router = Router()
USAGE_DAYS, MOST_DAYS = 92, 800
UNKNOWN = "No price is known of {}: what they cost is not in the sums, and counts towards no budget."


class UsageQuery(Schema):
    """Which days, of which team, and in which sums."""

    first: date | None = Field(
        None, alias="from", description="First day, in UTC; if not given, 92 days before the last."
    )
    last: date | None = Field(None, alias="to", description="Last day; today if not given.")
    by: Literal["team", "network", "day", "operation"] | None = Field(None, description="Sum up by this, in `groups`.")
    team: UUID | None = Field(None, description="One team; without it, all that you may see.")


@router.get("/usage", auth=READ, response=schemas.UsageOut, tags=["state"])
def list_usage(request: Request, asked: Query[UsageQuery]) -> schemas.UsageOut:
    """What your team asked of networks, by day. For its admins; those of the whole server see all teams."""
    caller = request.auth
    if not caller.administers:
        raise Problem(403, "Usage is for admins of the team.", code="admins-only")
    team, (first, last) = _team(caller, asked.team), _days(asked)
    rows = ledger.rows(first, last, team=team)
    unpriced = ledger.unpriced_networks(rows)
    standing = [one for one in budgets.standing([team.pk] if team else []) if _is_shown(one, caller)]
    warnings = [one.warning for one in standing if one.warning]
    return schemas.UsageOut(
        usage=[_day(row) for row in rows.select_related("team").order_by("-day", "operation", "embedder", "id")],
        groups=[_group(line) for line in ledger.lines(rows, asked.by)] if asked.by else [],
        total=_sums(ledger.total(rows)),
        budgets=[_budget(one, caller) for one in standing],
        notes=[*warnings, *([UNKNOWN.format(", ".join(unpriced))] if unpriced else [])],
        prices_date=config.load().prices_date,
    )


def _team(caller: Caller, wanted: UUID | None) -> Team | None:
    """The caller's team, or for who leads the server any team or all. Another's is as if it were not there."""
    if wanted is None:
        return None if caller.user.is_superuser else caller.team
    if wanted == caller.team.public_id:
        return caller.team
    found = Team.objects.filter(public_id=wanted).first() if caller.user.is_superuser else None
    if found is None:
        raise Problem(404)
    return found


def _days(asked: UsageQuery) -> tuple[date, date]:
    last = asked.last or timezone.now().date()
    span = timedelta(days=min(USAGE_DAYS, (last - date.min).days))
    first = asked.first or last - span
    if first > last:
        raise Problem(422, "from: the first day is after the last.")
    if (last - first).days > MOST_DAYS:
        raise Problem(422, f"from: ask for {MOST_DAYS} days at most.")
    return first, last


def _is_shown(budget: Budget, caller: Caller) -> bool:
    """Who leads a team learns of the budget of all once it is spent."""
    return budget.team_id is not None or caller.user.is_superuser or budget.is_spent


def _day(row: Usage) -> schemas.UsageDay:
    return schemas.UsageDay(
        day=row.day,
        team=row.team.public_id if row.team else None,
        team_name=row.team.name if row.team else "",
        operation=row.operation,
        embedder=row.embedder,
        provider=row.provider,
        **{name: getattr(row, name) for name in ledger.NUMBERS},
    )


def _sums(sums: Sums) -> schemas.UsageSums:
    return schemas.UsageSums(**{name: getattr(sums, name) for name in ledger.NUMBERS})


def _group(line: Line) -> schemas.UsageGroup:
    return schemas.UsageGroup(key=line.key, detail=line.detail, **_sums(line.sums).model_dump())


def _budget(budget: Budget, caller: Caller) -> schemas.BudgetOut:
    """The amounts of the budget of all are for who leads the server."""
    open_to = budget.team_id is not None or caller.user.is_superuser
    return schemas.BudgetOut(
        of="team" if budget.team_id is not None else "all",
        name=budget.name,
        limit=budget.limit if open_to else None,
        spent=budget.spent if open_to else None,
        is_near=budget.is_near,
        is_spent=budget.is_spent,
        renews=budget.renews,
    )
