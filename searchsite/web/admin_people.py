"""The admin of the people: users, teams, tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from searchsite.accounts import audit, budgets, teams, tokens
from searchsite.accounts.models import Membership, Role, Team, Token, User
from searchsite.library import collections
from searchsite.web.admin_columns import yes_or_no
from searchsite.web.admin_filters import OfTeam
from searchsite.web.admin_members import MembersInline, TeamsInline, keeping_an_admin
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
    inlines = (TeamsInline,)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so when a team would be left without an admin."""
        return keeping_an_admin(request, super().change_view, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A new password, and what follows from it, or neither."""
        with transaction.atomic():
            return super().user_change_password(request, *args, **kwargs)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """A password that was taken away changes no field of a form."""
        if "unset-password" in request.POST:
            tokens.revoke_all(obj)
            audit.note(audit.Action.PASSWORD_CHANGED, obj, usable=False)
        return super().log_change(request, obj, message)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write down who made or changed it, and above all who may sign in and lead."""
        super().save_model(request, obj, form, change)
        fields = ",".join(form.changed_data)[:64]
        if not change:
            audit.note(audit.Action.USER_MADE, obj)
        elif "is_active" in form.changed_data:
            audit.note(audit.Action.USER_ON if obj.is_active else audit.Action.USER_OFF, obj, fields=fields)
        elif fields:
            audit.note(audit.Action.USER_CHANGED, obj, fields=fields, staff=obj.is_staff, leads=obj.is_superuser)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Likewise."""
        return keeping_an_admin(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Likewise, where several are deleted."""
        return keeping_an_admin(request, super().changelist_view, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever must go is switched off at once; what teams lack then is said."""
        super().save_related(request, form, formsets, change)
        lacking = [] if form.instance.is_active else teams.without_admin(form.instance)
        for team in lacking:
            messages.warning(request, str(teams.LastAdmin(team)))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Not the only admin of a team."""
        teams.delete_person(obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """None of them, where one is the only admin of a team."""
        for user in queryset.order_by("pk"):
            teams.delete_person(user)


@admin.register(Team)
class TeamAdmin(Scoped):
    """Teams with their members."""

    list_display = ("name", "budget_month", "created_at")
    search_fields = ("name",)
    inlines = (MembersInline,)
    rights = by_role(editor=VIEW, admin=frozenset({"view", "change"}))

    def seen_by(self, request: HttpRequest, rows: QuerySet[Team]) -> QuerySet[Team]:
        """The team the person works in."""
        membership = membership_in(request)
        return rows.filter(pk=membership.team_id) if membership else rows.none()

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so when the other admin stepped down in the meantime."""
        return keeping_an_admin(request, super().change_view, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a team may spend is decided by who leads the house."""
        return () if is_superuser(request) else ("budget_month",)

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """A new budget holds from now on."""
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            action = audit.Action.TEAM_CHANGED if change else audit.Action.TEAM_MADE
            audit.note(action, obj, fields=",".join(form.changed_data)[:64])
        budgets.forget()

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        """What its people did stays written down."""
        audit.note(audit.Action.TEAM_DELETED, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        """Each is a line of its own."""
        with transaction.atomic():
            for team in queryset:
                audit.note(audit.Action.TEAM_DELETED, team)
            super().delete_queryset(request, queryset)

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
            asked["user"],
            asked["team"],
            name=asked["name"],
            scopes=frozenset(asked["scopes"]),
            expires_at=asked["expires_at"],
        )
        obj.pk, obj.prefix = made.pk, made.prefix
        shown = format_html('{} <code class="secret">{}</code>', _("The token, shown only now:"), secret)
        messages.warning(request, shown)

    def delete_model(self, request: HttpRequest, obj: Token) -> None:
        """Take it back through its own verb."""
        tokens.revoke(Token.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """Take them back."""
        tokens.revoke(Token.objects.filter(pk__in=queryset.values("pk")))
