"""Who may do what in the admin: staff by their role in the team they work in, superusers anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from searchsite.accounts.models import Membership, Role
from searchsite.library.models import Collection, Purpose
from searchsite.library.scope import Scope, scope_for
from searchsite.web.admin_lists import Estimate, QuickList

NOTHING = frozenset[str]()
VIEW = frozenset({"view"})
EDIT = frozenset({"view", "add", "change", "delete"})


def is_superuser(request: HttpRequest) -> bool:
    """Whether the person sees every team."""
    return request.user.is_active and request.user.is_superuser


def membership_in(request: HttpRequest) -> Membership | None:
    """The person's membership in the team they work in."""
    return getattr(request, "membership", None) or None


def scope_in(request: HttpRequest) -> Scope:
    """What the person may see and change in the team they work in; nothing when they are in none."""
    kept: Scope | None = getattr(request, "admin_scope", None)
    if kept is None:
        membership = membership_in(request)
        nothing = Scope(request.user.pk or 0, 0, (), ())
        kept = nothing if membership is None else scope_for(membership.user, membership.team_id)
        request.admin_scope = kept  # type: ignore[attr-defined]  # one look-up a request
    return kept


def by_role(*, editor: frozenset[str], admin: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return a table of rights in which viewers may look wherever editors may."""
    return {Role.VIEWER: editor & VIEW, Role.EDITOR: editor, Role.ADMIN: admin}


def scopes_for(request: HttpRequest, team_ids: Iterable[int]) -> dict[int, Scope]:
    """What the person may change in each of these teams; a superuser everything in every one."""
    wanted = set(team_ids)
    if not is_superuser(request):
        own = scope_in(request)
        return {team: own if team == own.team_id else Scope(own.user_id, team, (), ()) for team in wanted}
    ids: dict[int, tuple[int, ...]] = dict.fromkeys(wanted, ())
    kept = Collection.objects.filter(team__in=wanted).exclude(purpose=Purpose.TRASH).order_by("id")
    for team, collection in kept.values_list("team_id", "id"):
        ids[team] += (collection,)
    return {team: Scope(request.user.pk or 0, team, some, some, lifted=True) for team, some in ids.items()}


class Scoped(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rights come from the role in the team, rows from `seen_by`; both are lifted for superusers."""

    rights: ClassVar[dict[str, frozenset[str]]] = by_role(editor=VIEW, admin=VIEW)
    superuser_rights: ClassVar[frozenset[str]] = EDIT
    # Parameters under which the planner's guess of a list's length is not worth showing.
    unsure: ClassVar[frozenset[str]] = frozenset()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Lists that count nothing."""
        return QuickList

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Any:
        """The history of one thing, too."""
        return Estimate(queryset, per_page)

    def finished(self, request: HttpRequest, rows: Sequence[Any]) -> Sequence[Any]:
        """Complete the rows of one page with what is cheaper to look up for all of them at once."""
        return rows

    def seen_by(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the rows to what a person of staff may see."""
        return rows.none()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All rows for a superuser, else those of the scope."""
        rows = super().get_queryset(request)
        return rows if is_superuser(request) else self.seen_by(request, rows)

    def _may(self, request: HttpRequest, what: str) -> bool:
        if is_superuser(request):
            return what in self.superuser_rights
        membership = membership_in(request)
        return bool(membership and request.user.is_staff and what in self.rights.get(membership.role, NOTHING))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person finds it on the front page."""
        return self._may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may look."""
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may make one."""
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may change one."""
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may delete one."""
        return self._may(request, "delete")


class ReadOnly(Scoped):
    """Rows to look at."""

    superuser_rights = VIEW
