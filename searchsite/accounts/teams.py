"""Teams and the people in them. A team always keeps an admin."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from searchsite.accounts import audit, tokens
from searchsite.accounts.models import Action, Membership, Role, Team, Token, User


class LastAdmin(Exception):
    """The change would leave a team with nobody who may manage it."""

    def __init__(self, team: Team) -> None:
        super().__init__(_("%(team)s needs an admin: make somebody else an admin first.") % {"team": team})


@transaction.atomic
def create_team(name: str, owner: User) -> Team:
    """Make a team whose first admin is `owner`."""
    team = Team.objects.create(name=name)
    Membership.objects.create(team=team, user=owner, role=Role.ADMIN)
    audit.note(Action.TEAM_MADE, team)
    audit.note(Action.MEMBER_ADDED, owner, team_id=team.pk, role=Role.ADMIN)
    return team


def membership_of(user: User, team_id: int | None = None) -> Membership | None:
    """Return the person's membership in that team, or else in the first team they joined."""
    return chosen_of(memberships_of(user), team_id)


def memberships_of(user: User) -> list[Membership]:
    """Return the person's memberships with their teams, in the order of joining."""
    return list(user.memberships.select_related("team").order_by("id"))


def chosen_of(memberships: Sequence[Membership], team_id: int | None) -> Membership | None:
    """Return the membership in that team, or else the first."""
    first = next(iter(memberships), None)
    return next((one for one in memberships if one.team_id == team_id), first)


@transaction.atomic
def add_member(team: Team, user: User, *, role: str) -> Membership:
    """Put a person into a team; one who is in it already keeps their role."""
    membership, is_new = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if is_new:
        audit.note(Action.MEMBER_ADDED, user, team_id=team.pk, role=role)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str) -> None:
    """Give a member another role. Raises LastAdmin, and ValueError for a role that does not exist."""
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}. Roles: {', '.join(Role.values)}.")
    if role != Role.ADMIN:
        _keep_an_admin(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)
    membership.role = role
    audit.note(Action.ROLE_CHANGED, ("user", membership.user_id), team_id=membership.team_id, role=role)


@transaction.atomic
def remove_member(membership: Membership) -> None:
    """Take a person out of a team, and with them the tokens they have in it. Raises LastAdmin."""
    _keep_an_admin(membership)
    tokens.revoke(Token.objects.filter(user=membership.user_id, team=membership.team_id))
    Membership.objects.filter(pk=membership.pk).delete()
    audit.note(Action.MEMBER_REMOVED, ("user", membership.user_id), team_id=membership.team_id)


@transaction.atomic
def delete_person(user: User) -> None:
    """Delete an account. Raises LastAdmin where a team would be left with nobody who may manage it."""
    for membership in user.memberships.select_related("team").order_by("team_id"):
        _keep_an_admin(membership)
    audit.note(Action.USER_DELETED, user)
    user.delete()


def without_admin(user: User) -> list[Team]:
    """The teams that the person is in, and that have no admin who can sign in."""
    led = Membership.objects.filter(team=OuterRef("pk"), role=Role.ADMIN, user__is_active=True)
    return list(Team.objects.filter(~Exists(led), memberships__user=user).order_by("name"))


def _keep_an_admin(membership: Membership) -> None:
    """Lock the team's admins, so that two of them cannot step down at once."""
    Team.objects.select_for_update().get(pk=membership.team_id)
    admins = Membership.objects.filter(team=membership.team_id, role=Role.ADMIN, user__is_active=True)
    if not admins.exclude(pk=membership.pk).exists() and admins.filter(pk=membership.pk).exists():
        raise LastAdmin(membership.team)
