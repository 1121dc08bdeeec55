"""What a month may cost, for each team and for all together, and whether that is spent."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from searchsite import config
from searchsite.accounts.prices import dollars, exactly

NEAR = Decimal("0.8")
# How long sums are believed. Near its end a budget is read at each call: other processes spend from it, too.
FRESH_SECONDS = 2.0
LONGEST_WAIT = 600.0
READ = """
SELECT team.id, team.name, team.budget_month, coalesce(sum(usage.cost), 0)
FROM team LEFT JOIN usage ON usage.team_id = team.id AND usage.day >= %s
WHERE team.id = ANY(%s) GROUP BY team.id
"""
READ_ALL = "SELECT coalesce(sum(cost), 0) FROM usage WHERE day >= %s"


@dataclass(frozen=True)
class Budget:
    """What a team may spend in a month, and has spent; no `team_id`: all teams together. No limit: all it likes."""

    team_id: int | None
    name: str
    limit: Decimal | None
    spent: Decimal
    month: date

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.limit is not None and self.spent >= self.limit

    @property
    def is_near(self) -> bool:
        """Whether four fifths are gone."""
        return self.limit is not None and self.spent >= self.limit * NEAR

    @property
    def shown(self) -> Decimal:
        """How far a bar goes: never beyond the limit, and full where nothing may be spent at all."""
        return min(self.spent, self.limit) if self.limit else Decimal(1)

    @property
    def renews(self) -> date:
        """The first day of the next month."""
        return following(self.month)

    @property
    def whose(self) -> str:
        """The budget's name in a sentence."""
        return _("all teams") if self.team_id is None else _("the team %(name)s") % {"name": self.name}

    @property
    def sentence(self) -> str:
        """Why there are no calls to paid servers; fit for every member, so it names no amounts."""
        return _("The budget of %(whose)s for %(month)s is spent; it renews on %(day)s.") % self._told

    @property
    def warning(self) -> str:
        """What its admins should know; empty while there is nothing to say."""
        if self.limit is None or not self.is_near:
            return ""
        if self.is_spent:
            return " ".join((self.sentence, _("Until then nothing is sent to paid servers. Words still find.")))
        told = self._told | {"spent": dollars(self.spent), "limit": exactly(self.limit)}
        return (
            _(
                "%(spent)s of the %(limit)s that %(whose)s may spend in %(month)s are spent. At the end of it nothing"
                " more is sent to paid servers until %(day)s."
            )
            % told
        )

    @property
    def _told(self) -> dict[str, str]:
        """What sentences say of it."""
        return {
            "whose": self.whose,
            "month": date_format(self.month, "YEAR_MONTH_FORMAT"),
            "day": date_format(self.renews),
        }

    def seconds_left(self, now: datetime) -> float:
        """How long to wait before asking again: until it renews, unless somebody may raise it before."""
        midnight = datetime(self.renews.year, self.renews.month, 1, tzinfo=UTC)
        return min(max((midnight - now).total_seconds(), 1.0), LONGEST_WAIT)


class _Watch:
    """Budgets as last read, with what this process has spent since; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[int | None, tuple[float, Budget]] = {}
        self._own: dict[int | None, Decimal] = {}

    def standing(self, team_ids: Collection[int | None]) -> list[Budget]:
        with self._lock:
            stale = {team_id for team_id in team_ids if not self._is_fresh(team_id)}
            if stale:
                # Before reading: what is recorded meanwhile may count twice until the next time, but is never missed.
                for team_id in stale:
                    self._own[team_id] = Decimal(0)
                moment = time.monotonic()
                for budget in _read(stale):
                    self._read[budget.team_id] = (moment, budget)
            return [self._now(team_id) for team_id in team_ids if team_id in self._read]

    def add(self, amounts: Iterable[tuple[int | None, Decimal]]) -> None:
        with self._lock:
            for team_id, amount in amounts:
                for payer in {team_id, None}:
                    self._own[payer] = self._own.get(payer, Decimal(0)) + amount

    def forget(self) -> None:
        with self._lock:
            self._read.clear()

    def _is_fresh(self, team_id: int | None) -> bool:
        if team_id not in self._read:
            return False
        moment = self._read[team_id][0]
        budget = self._now(team_id)
        young = time.monotonic() - moment < FRESH_SECONDS and budget.month == this_month()
        return young and not budget.is_near

    def _now(self, team_id: int | None) -> Budget:
        budget = self._read[team_id][1]
        return replace(budget, spent=budget.spent + self._own.get(team_id, Decimal(0)))


_watch = _Watch()


def standing(team_ids: Iterable[int | None]) -> list[Budget]:
    """The budgets that a call for these teams is paid from: each team's, then that of all."""
    teams = dict.fromkeys(team_id for team_id in team_ids if team_id is not None)
    return _watch.standing([*teams, None])


def spent(team_ids: Iterable[int | None]) -> Budget | None:
    """The first budget that keeps these teams from a paid call, if one does."""
    return next((budget for budget in standing(team_ids) if budget.is_spent), None)


def spent_teams(team_ids: Iterable[int]) -> dict[int, Budget]:
    """Of these teams, those that can pay for nothing more, each with the budget that keeps it from that."""
    *own, of_all = standing(team_ids)
    if of_all.is_spent:
        return dict.fromkeys(team_ids, of_all)
    return {budget.team_id: budget for budget in own if budget.team_id is not None and budget.is_spent}


def add(amounts: Iterable[tuple[int | None, Decimal]]) -> None:
    """Count what was just recorded, by team, until the sums are read again."""
    _watch.add(amounts)


def forget() -> None:
    """Read all budgets anew, after one was changed in this process."""
    _watch.forget()


def this_month() -> date:
    """The first day of the current month in UTC."""
    return timezone.now().astimezone(UTC).date().replace(day=1)


def following(month: date) -> date:
    """The first day of the month after."""
    return (month + timedelta(days=31)).replace(day=1)


def _read(team_ids: Collection[int | None]) -> list[Budget]:
    """The budgets as the database has them now; a team that is gone has none."""
    month, settings = this_month(), config.load()
    found = []
    with connection.cursor() as cursor:
        if teams := [team_id for team_id in team_ids if team_id is not None]:
            cursor.execute(READ, [month, teams])
            for team_id, name, own, sums in cursor.fetchall():
                limit = settings.team_budget_month if own is None else own
                found.append(Budget(team_id, name, limit, sums, month))
        if None in team_ids:
            sums = Decimal(0)
            if settings.budget_month is not None:
                cursor.execute(READ_ALL, [month])
                (sums,) = cursor.fetchone()
            found.append(Budget(None, "", settings.budget_month, sums, month))
    return found
