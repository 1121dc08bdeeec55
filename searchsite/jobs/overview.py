"""Where the work stands, for pages and API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.db.models.lookups import IsNull

from searchsite.jobs.models import FAILED, OPEN, Job, State


@dataclass(frozen=True)
class Stage:
    """The newest job of one kind for one subject."""

    state: str
    error: str
    attempts: int


NEWEST = """
SELECT DISTINCT ON (subject, kind) subject, kind, state, last_error, attempts
FROM job WHERE subject = ANY(%s) AND coalesce(space_id, 0) = ANY(%s::bigint[]) ORDER BY subject, kind, id DESC
"""
# What a newer job has taken up again is no failure any more.
NO_NEWER = """NOT EXISTS (
    SELECT FROM job AS newer WHERE newer.subject = job.subject AND newer.kind = job.kind AND newer.id > job.id
        AND newer.space_id IS NOT DISTINCT FROM job.space_id
)"""
# A job without a space is for the one that answers.
SERVING: Collection[int | None] = (None,)


def stages(subjects: Iterable[int], spaces: Collection[int | None] = SERVING) -> dict[int, dict[str, Stage]]:
    """Return the newest job of each kind for these spaces, by subject and kind."""
    found: dict[int, dict[str, Stage]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [list(subjects), [one or 0 for one in spaces]])
        for subject, kind, state, error, attempts in cursor.fetchall():
            found[subject][kind] = Stage(state, error, attempts)
    return found


def counts(team_id: int) -> dict[str, dict[str, int]]:
    """Count a team's jobs by kind and state."""
    rows = Job.objects.filter(team_id=team_id).values_list("kind", "state").annotate(n=Count("id")).order_by()
    table: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(State.values, 0))
    for kind, state, number in rows:
        table[kind][state] = number
    return dict(table)


def open_for(subject: str, spaces: Collection[int | None] = SERVING) -> Exists:
    """An SQL condition: the outer row's column `subject` has work ahead of it for these spaces."""
    return Exists(Job.objects.filter(OPEN, _within(spaces), subject=OuterRef(subject)))


def failed_for(subject: str, *, kind: str | None = None, spaces: Collection[int | None] = SERVING) -> Exists:
    """An SQL condition: the newest job of a kind, or of any, for the outer row's `subject` is dead or cancelled."""
    newer = Job.objects.filter(_within(spaces), subject=OuterRef("subject"), kind=OuterRef("kind"))
    failed = Job.objects.filter(~Exists(newer.filter(id__gt=OuterRef("id"))), FAILED, _within(spaces))
    failed = failed.filter(subject=OuterRef(subject))
    return Exists(failed if kind is None else failed.filter(kind=kind))


def open_count(kind: str, spaces: Collection[int | None] | None = None) -> int:
    """How many jobs of a kind wait or run in all teams, for these spaces or for any."""
    found = Job.objects.filter(OPEN, kind=kind)
    return (found if spaces is None else found.filter(_within(spaces))).count()


def failed_count(kind: str, spaces: Collection[int | None]) -> int:
    """How many jobs of a kind have failed for good in these spaces."""
    return Job.objects.filter(_within(spaces), kind=kind, state=State.DEAD).count()


def why_waiting(kind: str, spaces: Collection[int | None]) -> str:
    """The reason that the latest of these jobs went back to wait with; empty where none was given back."""
    waiting = Job.objects.filter(_within(spaces), kind=kind, state=State.READY).exclude(last_error="")
    return waiting.order_by("-run_at").values_list("last_error", flat=True).first() or ""


def done_within(kind: str, spaces: Collection[int | None], *, seconds: float) -> int:
    """How many jobs of a kind were done in the last seconds for these spaces."""
    since = Now() - timedelta(seconds=seconds)
    return Job.objects.filter(_within(spaces), kind=kind, state=State.DONE, finished_at__gt=since).count()


def superseded() -> QuerySet[Job]:
    """Finished jobs that a newer one of the same kind and subject has replaced."""
    newer = Job.objects.filter(subject=OuterRef("subject"), kind=OuterRef("kind"), id__gt=OuterRef("id"))
    same_space = Q(space_id=OuterRef("space_id")) | Q(space_id=None) & IsNull(OuterRef("space_id"), True)
    return Job.objects.filter(Exists(newer.filter(same_space)), state__in=[State.DONE, State.CANCELLED])


def _within(spaces: Collection[int | None]) -> Q:
    known = Q(space_id__in=[one for one in spaces if one is not None])
    return known | Q(space_id=None) if None in spaces else known
