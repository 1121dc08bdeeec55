"""On whose behalf a command acts, and one plain sentence when the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError

from searchsite.accounts.models import Team, User
from searchsite.accounts.teams import membership_of


@contextmanager
def plain_words() -> Iterator[None]:
    """Turn an unreachable database into a sentence."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise CommandError(f"The database does not answer. Is `make run` running? ({str(error).strip()})") from error


def person(name: str | None) -> User:
    """Return the active user of that name; without a name, the first one there is."""
    users = User.objects.filter(is_active=True).order_by("id")
    if name is None:
        first = users.first()
        if first is None:
            raise CommandError("There is no user yet. Run `make run` once: it makes the first one.")
        return first
    found = users.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user named {name!r}.")
    return found


def team_of(user: User, name: str | None = None) -> Team:
    """Return the person's team of that name; without a name, the first they joined."""
    if name is None:
        membership = membership_of(user)
        if membership is None:
            raise CommandError(f"{user} is in no team.")
        return membership.team
    named = user.memberships.select_related("team").filter(team__name__iexact=name).first()
    if named is None:
        raise CommandError(f"{user} is not in a team named {name!r}.")
    return named.team
