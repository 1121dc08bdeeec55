"""What was used and paid for, summed as people want to see it; and how long single calls are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from searchsite import config
from searchsite.accounts.models import ProviderCall, Team, Usage

NUMBERS = ("calls", "inputs", "tokens", "output_tokens", "cost", "unpriced", "seconds")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "day": ("day",),
    "network": ("embedder", "provider"),
    "operation": ("operation",),
    "team": ("team_id",),
}
DELETED_AT_ONCE = 10_000


@dataclass(frozen=True)
class Sums:
    """What was used. cost: what is known of it, None if nothing is; unpriced: how many inputs have no known price."""

    calls: int = 0
    inputs: int = 0
    tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    unpriced: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Line:
    """One line of a table: what it is about, and its sums. `detail`: the server, or the team's id."""

    key: str
    detail: str
    sums: Sums


def rows(first: date, last: date, *, team: Team | None = None) -> QuerySet[Usage]:
    """The daily sums from one day to another, of a team or of all."""
    found = Usage.objects.filter(day__range=(first, last))
    return found if team is None else found.filter(team=team)


def total(usage: QuerySet[Usage]) -> Sums:
    """All of it together."""
    return Sums(**{name: value for name, value in _sums(usage).items() if value is not None})


def lines(usage: QuerySet[Usage], by: str) -> list[Line]:
    """Sums by day (newest first), or by network, operation or team (dearest first)."""
    fields = FIELDS[by]
    grouped = usage.order_by().values(*fields).annotate(**{f"of_{name}": Sum(name) for name in NUMBERS})
    if by == "day":
        grouped = grouped.order_by("-day")
    else:
        grouped = grouped.order_by(F("of_cost").desc(nulls_last=True), "-of_inputs", *fields)
    found = list(grouped)
    names = _names(row["team_id"] for row in found) if by == "team" else {}
    return [_line(row, by, names) for row in found]


def unpriced_networks(usage: QuerySet[Usage]) -> list[str]:
    """The networks whose price, at least at times, was not known."""
    return list(usage.filter(unpriced__gt=0).order_by("embedder").values_list("embedder", flat=True).distinct())


def prune() -> int:
    """Delete calls that have been kept for long enough, some at a time; the daily sums stay."""
    oldest = timezone.now() - timedelta(days=config.load().ledger_days)
    old = ProviderCall.objects.filter(at__lt=oldest).order_by("at").values_list("id", flat=True)
    return ProviderCall.objects.filter(id__in=list(old[:DELETED_AT_ONCE])).delete()[0]


def _sums(usage: QuerySet[Usage]) -> dict[str, Any]:
    return usage.aggregate(**{name: Sum(name) for name in NUMBERS})


def _line(row: dict[str, Any], by: str, names: Mapping[int, tuple[str, str]]) -> Line:
    sums = Sums(**{name: row[f"of_{name}"] for name in NUMBERS})
    if by == "team":
        name, public_id = names.get(row["team_id"], ("", ""))
        return Line(name, public_id, sums)
    first, *rest = FIELDS[by]
    return Line(str(row[first]), str(row[rest[0]]) if rest else "", sums)


def _names(team_ids: Iterable[int | None]) -> dict[int, tuple[str, str]]:
    """Names and public ids of teams that still exist."""
    found = Team.objects.filter(pk__in=[one for one in team_ids if one is not None])
    return {pk: (name, str(public_id)) for pk, name, public_id in found.values_list("pk", "name", "public_id")}
