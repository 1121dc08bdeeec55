"""Teams and the people in them."""

from __future__ import annotations

from django.db import transaction

from searchsite.accounts.models import Membership, Role, Team, User


@transaction.atomic
def create_team(name: str, owner: User) -> Team:
    """Make a team whose first admin is `owner`."""
    team = Team.objects.create(name=name)
    Membership.objects.create(team=team, user=owner, role=Role.ADMIN)
    return team


def membership_of(user: User, team_id: int | None = None) -> Membership | None:
    """Return the person's membership in that team, or else in the first team they joined."""
    memberships = user.memberships.select_related("team").order_by("id")
    chosen = memberships.filter(team_id=team_id).first() if team_id is not None else None
    return chosen or memberships.first()
