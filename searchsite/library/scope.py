"""The one gate: what a person may see and change in a team. QuerySets and raw SQL both take it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from searchsite.accounts.models import Role, Team, User
from searchsite.library.models import Collection, Purpose, Visibility

# Every request asks this, so it is one statement. A grant alone gives nothing: it takes a membership as well.
GATE = """
SELECT collection.id, coalesce(collection_grant.may_edit, false)
    OR membership.role = ANY(%(editors)s)
    AND (collection.visibility <> %(private)s OR collection.created_by_id = membership.user_id)
FROM membership
JOIN user_account ON user_account.id = membership.user_id AND user_account.is_active
JOIN collection ON collection.team_id = membership.team_id AND collection.purpose <> %(trash)s
LEFT JOIN collection_grant
    ON collection_grant.collection_id = collection.id AND collection_grant.user_id = membership.user_id
WHERE membership.user_id = %(user)s AND membership.team_id = %(team)s AND (
    collection.visibility <> %(private)s
    OR collection.created_by_id = membership.user_id
    OR collection_grant.id IS NOT NULL
)
ORDER BY collection.id
"""
FIXED: dict[str, Any] = {
    "editors": [Role.EDITOR.value, Role.ADMIN.value],
    "private": Visibility.PRIVATE.value,
    "trash": Purpose.TRASH.value,
}


@dataclass(frozen=True)
class Scope:
    """Collections that one person may read and change in one team, at one moment. Trash is in neither."""

    user_id: int
    team_id: int
    collection_ids: tuple[int, ...]
    writable_ids: tuple[int, ...]
    lifted: bool = False
    """A superuser's, who changes everything in the team without a membership."""


def scope_for(user: User, team: Team | int) -> Scope:
    """Return what the person may do in the team; nothing at all when they are not a member."""
    return _scope(user.pk, team if isinstance(team, int) else team.pk)


def renewed(scope: Scope) -> Scope:
    """Return what the same person may do in the same team by now."""
    if scope.lifted and User.objects.filter(pk=scope.user_id, is_active=True, is_superuser=True).exists():
        everything = Collection.objects.filter(team=scope.team_id).exclude(purpose=Purpose.TRASH).order_by("id")
        ids = tuple(everything.values_list("id", flat=True))
        return Scope(scope.user_id, scope.team_id, ids, ids, lifted=True)
    return _scope(scope.user_id, scope.team_id)


def kept(scope: Scope) -> Scope:
    """Return what of the scope the person has not lost since."""
    now = renewed(scope)
    still, writable = set(now.collection_ids), set(now.writable_ids)
    return replace(
        scope,
        collection_ids=tuple(one for one in scope.collection_ids if one in still),
        writable_ids=tuple(one for one in scope.writable_ids if one in writable),
    )


def _scope(user_id: int, team_id: int) -> Scope:
    with connection.cursor() as cursor:
        cursor.execute(GATE, FIXED | {"user": user_id, "team": team_id})
        rows = cursor.fetchall()
    readable = tuple(collection_id for collection_id, _ in rows)
    return Scope(user_id, team_id, readable, tuple(collection_id for collection_id, may_edit in rows if may_edit))
