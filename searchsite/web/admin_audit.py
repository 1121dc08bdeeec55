"""The admin of the audit log: lines to look at, to search and to take away as a table; written by `audit` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts import audit
from searchsite.accounts.models import AuditEntry
from searchsite.web.admin_filters import Keyed, OfTeam, People, Since, one_of
from searchsite.web.admin_scope import NOTHING, VIEW, ReadOnly, by_role, is_superuser, membership_in
from searchsite.web.sheets import sheet

MOST = 10_000
LETTERS_OF_ID = 36
HEAD = ("at", "person", "person_id", "action", "kind", "thing", "team", "address", "request", "detail")


class SinceAt(Since):
    """By the moment."""

    field = "at"


class OfPerson(People, Keyed):
    """Who did it. Somebody who is gone is still found by number."""

    def narrowed(self, rows: QuerySet[AuditEntry], chosen: str, request: HttpRequest) -> QuerySet[AuditEntry]:
        """By this person."""
        return rows.filter(actor_id=int(chosen))


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly):
    """All of it for superusers; admins of a team, who are of staff, see what concerns that team."""

    list_display = ("moment", "who", "action", "what", "shown_team")
    list_filter = (SinceAt, OfPerson, OfTeam, one_of("action", gettext_lazy("action"), audit.Action.choices))
    search_fields = ("request_id__exact", "thing__exact", "address__exact")
    search_help_text = gettext_lazy("A request (X-Request-ID), the id of a thing, or an address")
    ordering = ("-id",)
    sortable_by = ()
    actions = ("download",)
    rights = by_role(editor=NOTHING, admin=VIEW)
    fields = readonly_fields = (
        "moment",
        "person",
        "address",
        "action",
        "shown_thing",
        "shown_team",
        "request_id",
        "shown_detail",
    )

    def seen_by(self, request: HttpRequest, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """What concerns the team."""
        membership = membership_in(request)
        return rows.filter(team=membership.team_id) if membership else rows.none()

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With the teams, as far as they still exist."""
        return super().get_queryset(request).select_related("team")

    @admin.display(description=gettext_lazy("at"))
    def moment(self, row: AuditEntry) -> str:
        """To the second."""
        at = timezone.localtime(row.at)
        return f"{date_format(at, 'SHORT_DATE_FORMAT')} {at:%H:%M:%S}"

    @admin.display(description=gettext_lazy("person"))
    def person(self, row: AuditEntry) -> str:
        """Their name as it was then."""
        if row.actor_name:
            # What no account has is a name that the house gave: the command line.
            return row.actor_name if row.actor_id is not None else _(row.actor_name)
        return _("nobody signed in") if row.address else "searchsite"

    @admin.display(description=gettext_lazy("person"))
    def who(self, row: AuditEntry) -> SafeString:
        """With the address that it came from."""
        below = format_html('<span class="below">{}</span>', row.address) if row.address else ""
        return format_html("{}{}", self.person(row), below)

    @admin.display(description=gettext_lazy("thing"))
    def shown_thing(self, row: AuditEntry) -> SafeString | str:
        """What it is, and which one."""
        return _code(f"{row.kind} {row.thing}")

    @admin.display(description=gettext_lazy("thing"))
    def what(self, row: AuditEntry) -> SafeString:
        """As much of an id as tells one from another, and the detail."""
        short = row.thing[:8] if len(row.thing) == LETTERS_OF_ID else row.thing
        return format_html('{}<span class="below">{}</span>', _code(f"{row.kind} {short}"), _code(_detail(row)))

    @admin.display(description=gettext_lazy("team"))
    def shown_team(self, row: AuditEntry) -> str:
        """By its name of today; its number, where it is gone."""
        return row.team.name if row.team else _number(row.team_id)

    @admin.display(description=gettext_lazy("detail"))
    def shown_detail(self, row: AuditEntry) -> SafeString | str:
        """Short words and numbers, and the ids of many things."""
        lists = [", ".join(value) for value in row.detail.values() if isinstance(value, list)]
        return _code("; ".join([_detail(row), *lists])) or "-"

    @admin.action(description=gettext_lazy("Download as CSV"), permissions=["view"])
    def download(self, request: HttpRequest, rows: QuerySet[AuditEntry]) -> HttpResponse:
        """The chosen lines, newest first; that somebody took them is a line, too."""
        chosen = list(rows.order_by("-id")[:MOST])
        membership = membership_in(request)
        team_id = membership.team_id if membership and not is_superuser(request) else None
        audit.note(audit.Action.EXPORTED, ("audit", ""), team_id=team_id, lines=len(chosen))
        return sheet(f"audit-{timezone.now():%Y-%m-%d}", HEAD, self._cells(chosen))

    def _cells(self, rows: list[AuditEntry]) -> Iterator[list[object]]:
        for row in rows:
            known: list[Any] = [row.at.isoformat(), row.actor_name, row.actor_id, row.action, row.kind, row.thing]
            yield [*known, self.shown_team(row), row.address, row.request_id, json.dumps(row.detail)]


def _detail(row: AuditEntry) -> str:
    return ", ".join(f"{name}: {_written(value)}" for name, value in row.detail.items())


def _code(words: str) -> SafeString | str:
    """What programs call their own things is the same in every language."""
    return format_html("<code>{}</code>", words.strip()) if words.strip() else ""


def _number(team_id: int | None) -> str:
    return "" if team_id is None else f"#{team_id}"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{len(value)}" if isinstance(value, list) else str(value)
