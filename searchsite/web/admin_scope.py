"""Who may do what in the admin: staff by their role in the team they work in, superusers anything."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from searchsite.accounts.models import Membership, Role
from searchsite.library.scope import Scope, scope_for

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
    membership = membership_in(request)
    if membership is None:
        return Scope(request.user.pk or 0, 0, (), ())
    return scope_for(membership.user, membership.team_id)


def by_role(*, editor: frozenset[str], admin: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return a table of rights in which viewers may look wherever editors may."""
    return {Role.VIEWER: editor & VIEW, Role.EDITOR: editor, Role.ADMIN: admin}


class Scoped(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rights come from the role in the team, rows from `seen_by`; both are lifted for superusers."""

    rights: ClassVar[dict[str, frozenset[str]]] = by_role(editor=VIEW, admin=VIEW)
    superuser_rights: ClassVar[frozenset[str]] = EDIT
    show_full_result_count = False
    list_per_page = 50

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
