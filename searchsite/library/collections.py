"""Makes collections: those people name, and the two that each team has, its Inbox and its trash."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from searchsite.accounts.models import Team, User
from searchsite.library import wording
from searchsite.library.choices import SYSTEM_NAMES
from searchsite.library.models import Collection, Visibility
from searchsite.library.refusals import Refusal

NAME_CHARS = 100


def create_collection(team: Team | int, name: str, *, maker: User, visibility: str = Visibility.TEAM) -> Collection:
    """Make a collection. Raises Refusal for an empty name (422) or one that the team already has (409)."""
    team_id = team if isinstance(team, int) else team.pk
    cleaned = wording.clean_line(name, limit=NAME_CHARS)
    if not cleaned:
        raise Refusal(_("A collection needs a name."), code="name-missing")
    if visibility not in Visibility.values:
        raise Refusal(_("A collection is private, team or public."), code="visibility-unknown")
    ensure_system(team_id)
    try:
        with transaction.atomic():
            return Collection.objects.create(team_id=team_id, name=cleaned, created_by=maker, visibility=visibility)
    except IntegrityError as error:
        message = _("There is already a collection named “%(name)s”.") % {"name": cleaned}
        raise Refusal(message, code="name-taken", status=409) from error


def ensure_system(team: Team | int) -> dict[str, Collection]:
    """Return the team's Inbox and trash by purpose; make them if they are missing. Two at once make one."""
    team_id = team if isinstance(team, int) else team.pk
    found = _system(team_id)
    for purpose, name in SYSTEM_NAMES.items():
        # A normal collection may have taken the name before.
        for number in range(1, 100):
            if purpose in found:
                break
            free = name if number == 1 else f"{name} {number}"
            Collection.objects.bulk_create(
                [Collection(team_id=team_id, name=free, purpose=purpose)], ignore_conflicts=True
            )
            found = _system(team_id)
    return found


def _system(team_id: int) -> dict[str, Collection]:
    return {one.purpose: one for one in Collection.objects.filter(team_id=team_id, purpose__in=SYSTEM_NAMES)}
