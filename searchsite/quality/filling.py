"""Puts a set into a team of its own, which no person is in, and takes it away again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from searchsite.accounts import teams
from searchsite.accounts.models import Team, User
from searchsite.jobs import overview
from searchsite.jobs.models import OPEN, Job, Lane
from searchsite.library import blobs, collections, intake
from searchsite.library.intake import Place
from searchsite.library.models import Collection, Item, QueryPicture
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from searchsite.quality.sets import Document, EvaluationSet

NAME = "Evaluation"
AT_ONCE = 500
Report = Callable[[int], object]


@dataclass(frozen=True)
class Filled:
    """A set in the library: its scope, the collection of each shelf, and the item of each document."""

    scope: Scope
    shelves: dict[str, Collection]
    items: dict[str, Item]
    refused: dict[str, str]


@dataclass(frozen=True)
class Progress:
    """How much work the set's items still make, what failed, and how much waits in all teams: others may be first."""

    open: int
    failed: int
    everywhere: int


def fill(wanted: EvaluationSet, report: Report = lambda number: None) -> Filled:
    """Put in what is not there yet, by its bytes, and take out what the set has not any more."""
    team = team_of(wanted) or _new_team(wanted)
    user = User.objects.get(username=_user_name(wanted))
    for shelf in {one.shelf for one in wanted.documents}:
        if not Collection.objects.filter(team=team, name=shelf).exists():
            collections.create_collection(team, shelf, maker=user)
    scope = scope_for(user, team)
    shelves = {one.name: one for one in Collection.objects.filter(pk__in=scope.collection_ids)}
    places = {name: intake.place_for(scope, one.public_id, lane=Lane.BULK) for name, one in shelves.items()}
    items: dict[str, Item] = {}
    refused: dict[str, str] = {}
    for one in wanted.documents:
        try:
            items[one.id] = _add(one, places[one.shelf])
        except Refusal as refusal:
            refused[one.id] = str(refusal)
        report(1)
    kept = {item.pk for item in items.values()}
    _delete(Item.objects.filter(team=team).exclude(pk__in=kept).values_list("pk", flat=True))
    return Filled(scope, shelves, items, refused)


def progress(filled: Filled) -> Progress:
    """Count the jobs of the set's team, and those of all."""
    counts = overview.counts(filled.scope.team_id).values()
    own, failed = sum(one["ready"] + one["running"] for one in counts), sum(one["dead"] for one in counts)
    return Progress(own, failed, Job.objects.filter(OPEN).count())


def remove(wanted: EvaluationSet) -> bool:
    """Take the set's team away with all that is in it. False: there was none."""
    team = team_of(wanted)
    if team is None:
        return False
    _delete(Item.objects.filter(team=team).values_list("pk", flat=True))
    with transaction.atomic():
        Job.objects.filter(team_id=team.pk).delete()
        QueryPicture.objects.filter(team=team).delete()
    blobs.forget_unused()
    with transaction.atomic():
        Collection.objects.filter(team=team).delete()
        team.delete()
        User.objects.filter(username=_user_name(wanted)).delete()
    return True


def team_of(wanted: EvaluationSet) -> Team | None:
    """The team that holds the set, if it is there."""
    return Team.objects.filter(name=_team_name(wanted), memberships__user__username=_user_name(wanted)).first()


@transaction.atomic
def _new_team(wanted: EvaluationSet) -> Team:
    # Nobody can sign in as this user: it has no password.
    user = User(username=_user_name(wanted))
    user.set_unusable_password()
    user.save()
    return teams.create_team(_team_name(wanted), user)


def _add(one: Document, place: Place) -> Item:
    """The item of these bytes; a second document of the same bytes has the same item."""
    if one.picture is not None:
        try:
            with one.picture.open("rb") as file:
                return intake.add_file(file, one.picture.name, into=place, title=one.title).item
        except OSError as error:
            raise Refusal(f"{one.picture} can't be read ({error.strerror}).", code="unreadable") from error
    title = one.title or one.text.strip()[:60]
    return intake.add_file(io.BytesIO(one.text.encode()), "text.txt", into=place, title=title).item


def _delete(items: Iterable[int]) -> None:
    ids: Sequence[int] = list(items)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        with transaction.atomic():
            Item.objects.filter(pk__in=some).delete()
            Job.objects.filter(subject__in=some).delete()


def _key(wanted: EvaluationSet) -> str:
    return hashlib.sha256(str(wanted.folder.resolve()).encode()).hexdigest()[:10]


def _team_name(wanted: EvaluationSet) -> str:
    return f"{NAME}: {wanted.name[:60]} {_key(wanted)}"


def _user_name(wanted: EvaluationSet) -> str:
    return f"evaluation-{_key(wanted)}"
