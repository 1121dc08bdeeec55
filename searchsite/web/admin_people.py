"""The admin of the people: users, teams, tokens."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from searchsite.accounts import budgets, teams, tokens
from searchsite.accounts.models import Membership, Role, Team, Token, User
from searchsite.library import collections
from searchsite.web.admin_columns import yes_or_no
from searchsite.web.admin_filters import OfTeam
from searchsite.web.admin_scope import EDIT, NOTHING, VIEW, Scoped, by_role, is_superuser, membership_in

# Django says these in English only.
IN_ENGLISH = (
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop("Disabled"),
    gettext_noop("Enable password-based authentication for this user by setting a password."),
    gettext_noop("Enabled"),
    gettext_noop("Password-based authentication"),
    gettext_noop(
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able"
        " to authenticate using other backends, such as Single Sign-On or LDAP."
    ),
)


@admin.register(User)
class UserAdmin(Scoped, DjangoUserAdmin):  # type: ignore[type-arg]
    """Accounts; for superusers. Rights come from teams, so groups and permissions are left out."""

    rights = by_role(editor=NOTHING, admin=NOTHING)

    list_display = (
        "username",
        "first_name",
        "last_name",
        yes_or_no("is_active", gettext_lazy("active")),
        yes_or_no("is_staff", gettext_lazy("staff status")),
        yes_or_no("is_superuser", gettext_lazy("superuser status")),
        "last_login",
    )
    list_filter = ("is_active", "is_staff", "is_superuser")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (gettext_lazy("Rights"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


def choices_of(rows: QuerySet[Any]) -> list[tuple[Any, str]]:
    """The choices of a field, as a list: asking for each row of a table would cost a query each."""
    return [("", "---------"), *((row.pk, str(row)) for row in rows)]


class Rows(BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows of a table whose heads are no labels: each field says itself what it is, and whose."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """With their names for those who hear the page."""
        super().add_fields(form, index)
        whose = f": {form.instance.user}" if form.instance.pk else ""
        for field in (one for one in form.fields.values() if not one.widget.is_hidden):
            # Django wraps the choice of a row of another table.
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = f"{capfirst(field.label or '')}{whose}"


class MembershipFormSet(Rows):
    """Changes members through the verbs of teams, which lock, keep an admin, and take back tokens."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """A membership never passes to another person."""
        super().add_fields(form, index)
        if "user" in form.fields:
            form.fields["user"].choices = self.people
            form.fields["user"].disabled = bool(form.instance.pk)

    @cached_property
    def people(self) -> list[tuple[Any, str]]:
        """Looked up once for all rows."""
        return choices_of(User.objects.order_by("username"))

    def clean(self) -> None:
        """Refuse a team without an admin who can sign in."""
        super().clean()
        if any(self.errors):
            return
        kept = [form.instance for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not any(one.role == Role.ADMIN and one.user.is_active for one in kept):
            raise ValidationError(_("A team needs an admin."))

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
            self.new_objects.append(teams.add_member(self.instance, member.user, role=member.role))


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who is in the team."""

    model = Membership
    formset = MembershipFormSet
    extra = 0
    verbose_name_plural = gettext_lazy("members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """With the people, who are named in each row."""
        found: QuerySet[Membership] = super().get_queryset(request).select_related("user", "team")
        return found

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


@admin.register(Team)
class TeamAdmin(Scoped):
    """Teams with their members."""

    list_display = ("name", "budget_month", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)
    rights = by_role(editor=VIEW, admin=frozenset({"view", "change"}))

    def seen_by(self, request: HttpRequest, rows: QuerySet[Team]) -> QuerySet[Team]:
        """The team the person works in."""
        membership = membership_in(request)
        return rows.filter(pk=membership.team_id) if membership else rows.none()

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so when the other admin stepped down in the meantime."""
        try:
            return super().change_view(request, *args, **kwargs)
        except teams.LastAdmin as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.path)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a team may spend is decided by who leads the house."""
        return () if is_superuser(request) else ("budget_month",)

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """A new budget holds from now on."""
        super().save_model(request, obj, form, change)
        budgets.forget()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A team begins with its Inbox."""
        super().save_related(request, form, formsets, change)
        collections.ensure_system(form.instance)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for what a new token needs."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(name, name) for name in sorted(tokens.SCOPES)],
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
    )

    class Meta:
        model = Token
        fields = ("user", "team", "name", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One label stands before two boxes.
        names = (_("Day on which it expires"), _("Time at which it expires"))
        if "expires_at" in self.fields:
            for box, name in zip(self.fields["expires_at"].widget.widgets, names, strict=True):
                box.attrs["aria-label"] = name

    def clean(self) -> dict[str, Any]:
        """Refuse a token for a team that the person is not in: it would open nothing."""
        data = super().clean() or {}
        user, team = data.get("user"), data.get("team")
        if user and team and not Membership.objects.filter(user=user, team=team).exists():
            raise ValidationError(_("%(user)s is not in %(team)s.") % {"user": user, "team": team})
        return data


@admin.register(Token)
class TokenAdmin(Scoped):
    """Tokens are made here and taken back here; nothing of them is ever edited."""

    list_display = ("name", "prefix", "user", "team", "scopes", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user", "team")
    list_filter = (OfTeam,)
    search_fields = ("name", "user__username")
    form = TokenForm
    rights = by_role(editor=frozenset({"view", "add", "delete"}), admin=frozenset({"view", "add", "delete"}))
    superuser_rights = EDIT - {"change"}

    def seen_by(self, request: HttpRequest, rows: QuerySet[Token]) -> QuerySet[Token]:
        """Admins see the tokens of their team, others their own."""
        membership = membership_in(request)
        if membership is None:
            return rows.none()
        rows = rows.filter(team=membership.team_id)
        return rows if membership.role == Role.ADMIN else rows.filter(user=membership.user_id)

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        """The digest is nobody's business."""
        if obj is None:
            return ("user", "team", "name", "scopes", "expires_at")
        return ("name", "prefix", "user", "team", "scopes", "created_at", "last_used_at", "expires_at")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Staff make tokens for themselves in the team they work in."""
        membership = membership_in(request)
        if not is_superuser(request) and membership is not None:
            own = {
                "user": User.objects.filter(pk=membership.user_id),
                "team": Team.objects.filter(pk=membership.team_id),
            }
            kwargs["queryset"] = own[db_field.name]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        """Make the token through its own verb and show the secret once."""
        asked = form.cleaned_data
        made, secret = tokens.create_token(
            asked["user"], asked["team"], name=asked["name"], scopes=frozenset(asked["scopes"])
        )
        if asked["expires_at"]:
            Token.objects.filter(pk=made.pk).update(expires_at=asked["expires_at"])
        obj.pk, obj.prefix = made.pk, made.prefix
        shown = format_html('{} <code class="secret">{}</code>', _("The token, shown only now:"), secret)
        messages.warning(request, shown)
