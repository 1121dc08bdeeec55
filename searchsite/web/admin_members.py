"""Who is in which team: the rows on the form of a team, and on that of a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.web.admin_scope import is_superuser, membership_in


def choices_of(rows: QuerySet[Any]) -> list[tuple[Any, str]]:
    """The choices of a field, as a list: asking for each row of a table would cost a query each."""
    return [("", "---------"), *((row.pk, str(row)) for row in rows)]


def keeping_an_admin(
    request: HttpRequest, change: Callable[..., HttpResponse], *args: Any, **kwargs: Any
) -> HttpResponse:
    """Say so, and change nothing, where a team would be left without an admin; another may step down meanwhile."""
    try:
        return change(request, *args, **kwargs)
    except teams.LastAdmin as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(request.path)


class Rows(BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows of a table whose heads are no labels: each field says itself what it is, and whose."""

    named: ClassVar[str] = "user"

    def add_fields(self, form: Any, index: int | None) -> None:
        """With their names for those who hear the page."""
        super().add_fields(form, index)
        whose = f": {getattr(form.instance, self.named)}" if form.instance.pk else ""
        for field in (one for one in form.fields.values() if not one.widget.is_hidden):
            # Django wraps the choice of a row of another table.
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = f"{capfirst(field.label or '')}{whose}"


class Memberships(Rows):
    """Changes memberships through the verbs of teams, which lock, keep an admin, and take back tokens."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """A membership never passes to another person, or team."""
        super().add_fields(form, index)
        if self.named in form.fields:
            form.fields[self.named].choices = self.known
            form.fields[self.named].disabled = bool(form.instance.pk)

    @cached_property
    def known(self) -> list[tuple[Any, str]]:
        """Looked up once for all rows."""
        return choices_of(User.objects.order_by("username") if self.named == "user" else Team.objects.order_by("name"))

    def save(self, commit: bool = True) -> list[Membership]:
        """Write what was changed; new admins first, so that an old one may step down."""
        self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
        changed = [form for form in self.forms if form.has_changed()]
        for form in sorted(changed, key=lambda form: form in self.deleted_forms or form.instance.role != Role.ADMIN):
            self._settle(form, form.instance)
        return [*self.new_objects, *(member for member, _ in self.changed_objects)]

    def _settle(self, form: Any, member: Membership) -> None:
        if form in self.deleted_forms:
            if member.pk:
                teams.remove_member(member)
                self.deleted_objects.append(member)
        elif member.pk:
            teams.change_role(member, member.role)
            self.changed_objects.append((member, form.changed_data))
        else:
            setattr(member, self.fk.name, self.instance)
            self.new_objects.append(teams.add_member(member.team, member.user, role=member.role))


class Members(Memberships):
    """The members of a team."""

    def clean(self) -> None:
        """Refuse a team without an admin who can sign in."""
        super().clean()
        if any(self.errors):
            return
        kept = [form.instance for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not any(one.role == Role.ADMIN and one.user.is_active for one in kept):
            raise ValidationError(_("A team needs an admin."))


class Teams(Memberships):
    """The teams of a person."""

    named = "team"


class RowsInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows on another's form, with what they are named by."""

    extra = 0
    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the people, teams or collections, which are named in each row."""
        found: QuerySet[Any] = super().get_queryset(request).select_related(*self.related)
        return found


class MembersInline(RowsInline):
    """Who is in the team."""

    model = Membership
    formset = Members
    related = ("user", "team")
    verbose_name_plural = gettext_lazy("members")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the team sees its members."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list of all users is for superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Admins of the team change roles."""
        membership = membership_in(request)
        return is_superuser(request) or bool(membership and membership.role == Role.ADMIN)

    has_delete_permission = has_change_permission

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only superusers add members, so only they choose people."""
        return () if is_superuser(request) else ("user",)


class TeamsInline(RowsInline):
    """Which teams a person is in; a new one is of no use before being in one. For superusers, as all accounts."""

    model = Membership
    formset = Teams
    related = ("user", "team")
    verbose_name_plural = gettext_lazy("teams")

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = _may
