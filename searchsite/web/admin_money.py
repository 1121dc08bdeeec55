"""The admin of what was used and paid for: rows to look at, written by the meter alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts.models import ProviderCall, Usage
from searchsite.accounts.prices import dollars
from searchsite.library.numbers import rounded
from searchsite.web.admin_columns import column, figure
from searchsite.web.admin_filters import OfTeam, Since, one_of
from searchsite.web.admin_scope import NOTHING, VIEW, ReadOnly, by_role, membership_in
from searchsite.web.templatetags.money import OPERATIONS, operation_name

OfOperation = one_of("operation", gettext_lazy("operation"), list(OPERATIONS.items()))


class SinceDay(Since):
    """By the day of the sums."""

    field, days = "day", True


class SinceAt(Since):
    """By the moment of the call."""

    field = "at"


class Metered(ReadOnly):
    """Rows of the team, for its admins."""

    list_select_related = ("team",)
    rights = by_role(editor=NOTHING, admin=VIEW)

    def seen_by(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """What the team pays for."""
        membership = membership_in(request)
        return rows.filter(team=membership.team_id) if membership else rows.none()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the teams, as far as they still exist."""
        return super().get_queryset(request).select_related("team")

    @admin.display(description=gettext_lazy("Team"), ordering="team")
    def payer(self, row: Usage | ProviderCall) -> str:
        """The team; nothing for the house itself, or a team that is gone."""
        return row.team.name if row.team else ""

    @admin.display(description=gettext_lazy("Cost"), ordering="cost")
    def shown_cost(self, row: Usage | ProviderCall) -> str:
        """What is known of it."""
        return _("unknown") if row.cost is None else dollars(row.cost)

    @admin.display(description=gettext_lazy("Seconds"), ordering="seconds")
    def shown_seconds(self, row: Usage | ProviderCall) -> str:
        """A tenth of a second is exact enough."""
        return rounded(row.seconds, 1)


OPERATION = column("operation", gettext_lazy("operation"), operation_name)
SHARED = (
    "shown_cost",
    figure("calls", gettext_lazy("calls")),
    figure("inputs", gettext_lazy("inputs")),
    figure("tokens", gettext_lazy("tokens")),
    figure("output_tokens", gettext_lazy("output tokens")),
    "shown_seconds",
)


@admin.register(Usage)
class UsageAdmin(Metered):
    """What inference was asked for, by day."""

    list_display = ("day", "payer", OPERATION, "embedder", "provider", *SHARED)
    list_filter = (OfOperation, SinceDay, OfTeam)
    sortable_by = ("day",)
    ordering = ("-day", "operation")
    exclude = ("team", "operation")
    readonly_fields = ("payer", OPERATION)


@admin.register(ProviderCall)
class ProviderCallAdmin(Metered):
    """The ledger of calls to paid servers."""

    list_display = ("at", "payer", OPERATION, "network", "provider", "outcome", *SHARED)
    list_filter = (OfOperation, "outcome", SinceAt, OfTeam)
    sortable_by = ("at",)
    ordering = ("-id",)
    exclude = ("team", "operation")
    readonly_fields = ("payer", OPERATION)
