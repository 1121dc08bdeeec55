"""The one gate: what a person may see and change in a team. QuerySets and raw SQL both take it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from searchsite.accounts.models import Membership, Team, User
from searchsite.library.models import Collection, CollectionGrant, Purpose, Visibility


@dataclass(frozen=True)
class Scope:
    """Collections that one person may read and change in one team, at one moment. Trash is in neither."""

    user_id: int
    team_id: int
    collection_ids: tuple[int, ...]
    writable_ids: tuple[int, ...]


def scope_for(user: User, team: Team | int) -> Scope:
    """Return what the person may do in the team; nothing at all when they are not a member."""
    team_id = team if isinstance(team, int) else team.pk
    membership = Membership.objects.filter(user=user, team_id=team_id, user__is_active=True).first()
    if membership is None:
        return Scope(user.pk, team_id, (), ())
    granted = dict(
        CollectionGrant.objects.filter(user=user, collection__team_id=team_id).values_list("collection_id", "may_edit")
    )
    shared = ~Q(visibility=Visibility.PRIVATE) | Q(created_by=user) | Q(id__in=granted)
    readable = (
        Collection.objects.filter(shared, team_id=team_id)
        .exclude(purpose=Purpose.TRASH)
        .order_by("id")
        .values_list("id", "visibility", "created_by_id")
    )
    writable = [
        pk
        for pk, visibility, maker in readable
        if granted.get(pk) or (membership.may_edit and (visibility != Visibility.PRIVATE or maker == user.pk))
    ]
    return Scope(user.pk, team_id, tuple(pk for pk, _, _ in readable), tuple(writable))
