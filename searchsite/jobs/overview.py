"""Where the work stands, for pages and API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet

from searchsite.jobs.models import FAILED, OPEN, Job, State


@dataclass(frozen=True)
class Stage:
    """The newest job of one kind for one subject."""

    state: str
    error: str
    attempts: int


NEWEST = """
SELECT DISTINCT ON (subject, kind) subject, kind, state, last_error, attempts
FROM job WHERE subject = ANY(%s) ORDER BY subject, kind, id DESC
"""


def stages(subjects: Iterable[int]) -> dict[int, dict[str, Stage]]:
    """Return the newest job of each kind, by subject and kind."""
    found: dict[int, dict[str, Stage]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [list(subjects)])
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


def open_for(subject: str) -> Exists:
    """An SQL condition: the outer row's column `subject` has work ahead of it."""
    return Exists(Job.objects.filter(OPEN, subject=OuterRef(subject)))


def failed_for(subject: str, *, kind: str | None = None) -> Exists:
    """An SQL condition: the newest job of a kind, or of any, for the outer row's `subject` is dead or cancelled."""
    newer = Job.objects.filter(subject=OuterRef("subject"), kind=OuterRef("kind"), id__gt=OuterRef("id"))
    failed = Job.objects.filter(~Exists(newer), FAILED, subject=OuterRef(subject))
    return Exists(failed if kind is None else failed.filter(kind=kind))


def open_count(kind: str) -> int:
    """How many jobs of a kind wait or run, in all teams."""
    return Job.objects.filter(OPEN, kind=kind).count()


def superseded() -> QuerySet[Job]:
    """Finished jobs that a newer one of the same kind and subject has replaced."""
    newer = Job.objects.filter(subject=OuterRef("subject"), kind=OuterRef("kind"), id__gt=OuterRef("id"))
    return Job.objects.filter(Exists(newer), state__in=[State.DONE, State.CANCELLED])
