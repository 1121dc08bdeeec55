"""Filters of the admin's lists: none of them scans a table to find out what there is to choose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from searchsite.accounts.models import Team, User
from searchsite.library.models import Collection, ItemTag, Purpose, Tag
from searchsite.web.admin_scope import is_superuser, membership_in, scope_in

MOST_CHOICES = 100


class Choosing(admin.SimpleListFilter, ABC):
    """A filter whose choices are looked up once. `all_choices` gives them, `narrowed` applies one."""

    @abstractmethod
    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """What can be chosen."""

    @abstractmethod
    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """Keep the rows that have what was chosen."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices; none where there is nothing to choose between."""
        found = self.all_choices(request)
        return found if len(found) > 1 or self.value() else []

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice; one that does not exist finds nothing."""
        chosen = self.value()
        if not chosen:
            return rows
        if chosen in dict(self.lookup_choices) or self.is_known(chosen):
            return self.narrowed(rows, chosen, request)
        return rows.none()

    def is_known(self, chosen: str) -> bool:
        """Whether a value that is not among the choices means something, too."""
        return False


class Keyed(Choosing):
    """A filter by the number of a row, of which there may be more than are listed."""

    def is_known(self, chosen: str) -> bool:
        """Any number that a row may have."""
        return chosen.isdecimal() and len(chosen) < 19


class Since(Choosing):
    """When, by a few spans or one day: no scan over all dates as Django's own hierarchy makes. Set `field`."""

    title, parameter_name = gettext_lazy("date"), "when"
    field: ClassVar[str] = "created_at"
    days: ClassVar[bool] = False

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Spans up to now."""
        spans = [(n, ngettext("Past %(n)s day", "Past %(n)s days", n) % {"n": n}) for n in (7, 30, 365)]
        found = [("0", _("Today")), *((str(n), words) for n, words in spans)]
        chosen = parse_day(self.used_parameters.get(self.parameter_name))
        return [*found, (str(chosen), date_format(chosen, "DATE_FORMAT"))] if chosen else found

    def is_known(self, chosen: str) -> bool:
        """One day is a choice, too: bars of the charts lead to it."""
        return parse_day(chosen) is not None

    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """Rows since a day, or of it."""
        day = parse_day(chosen)
        first = day or timezone.now().date() - timedelta(days=int(chosen))
        span = {f"{self.field}__gte": self._moment(first)}
        if day is not None:
            span[f"{self.field}__lt"] = self._moment(day + timedelta(days=1))
        return rows.filter(**span)  # nosemgrep: lookups-of-a-dictionary - the names are the class's own

    def _moment(self, day: date) -> Any:
        return day if self.days else timezone.make_aware(datetime.combine(day, time.min))


def parse_day(value: Any) -> date | None:
    """A day written as 2026-05-31, or None; the calendar's last has no day after it, so it is none."""
    try:
        day = parse_date(str(value)) if value else None
    except ValueError:
        return None
    return None if day == date.max else day


class InCollection(Keyed):
    """Collections that the person sees."""

    title, parameter_name = gettext_lazy("collection"), "in"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """By name; superusers see whose they are."""
        if is_superuser(request):
            found = Collection.objects.exclude(purpose=Purpose.TRASH).select_related("team")
            rows = [(one.pk, f"{one.shown_name} ({one.team})") for one in found.order_by("name", "id")[:MOST_CHOICES]]
        else:
            own = Collection.objects.filter(pk__in=scope_in(request).collection_ids).order_by("name", "id")
            rows = [(one.pk, one.shown_name) for one in own[:MOST_CHOICES]]
        return [(str(pk), name) for pk, name in rows]

    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """Of this collection; of things in the trash, those that came from it."""
        if request.GET.get("trash"):
            return rows.filter(trashed_from_id=int(chosen))
        return rows.filter(collection_id=int(chosen))


class OfTeam(Keyed):
    """Teams, for superusers."""

    title, parameter_name = gettext_lazy("team"), "team"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """By name."""
        if not is_superuser(request):
            return []
        return [(str(pk), name) for pk, name in Team.objects.order_by("name").values_list("pk", "name")[:MOST_CHOICES]]

    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """Of this team."""
        return rows.filter(team_id=int(chosen))


class People(Choosing):
    """By whom, of the people that the visitor knows."""

    title, parameter_name = gettext_lazy("person"), "by"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """People of the team; for superusers everybody."""
        people = User.objects.order_by("username")
        membership = membership_in(request)
        if not is_superuser(request):
            people = people.filter(memberships__team=membership.team_id if membership else None)
        return [(str(pk), name) for pk, name in people.values_list("pk", "username")[:MOST_CHOICES]]


class ByPerson(People):
    """Who put it in."""

    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """Of this person."""
        return rows.filter(created_by_id=int(chosen))


class WithTag(Keyed):
    """A tag; there are too many to list, so the list of tags leads here, and the chosen one is shown."""

    title, parameter_name = gettext_lazy("tag"), "tag"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The chosen one."""
        chosen = str(self.used_parameters.get(self.parameter_name) or "")
        if not self.is_known(chosen):
            return []
        return [(str(pk), name) for pk, name in Tag.objects.filter(pk=chosen).values_list("pk", "name")]

    def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
        """With this tag."""
        return rows.filter(pk__in=ItemTag.objects.filter(tag_id=int(chosen)).values("item_id"))


def one_of(name: str, shown: Any, values: Sequence[tuple[str, Any]]) -> type[Choosing]:
    """A filter of a column with these values, which are known beforehand."""

    class Filter(Choosing):
        title, parameter_name = shown, name

        def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
            return [(value, str(label)) for value, label in values]

        def narrowed(self, rows: QuerySet[Any], chosen: str, request: HttpRequest) -> QuerySet[Any]:
            return rows.filter(**{name: chosen})  # nosemgrep: lookups-of-a-dictionary - it is our column

    return Filter
