"""What a person does to jobs: try again, cancel; and the hourly tidying."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from searchsite.jobs import overview
from searchsite.jobs.models import FAILED, OPEN, WAITED_FOR, Job, Lane, State
from searchsite.jobs.wake import wake_on_commit

KEEP_SUPERSEDED = timedelta(days=2)
# A newer open job for the same input makes the old one pointless, and the unique index would refuse both. Many that
# are tried again at once let others pass.
RETRY = f"""
UPDATE job SET state = 'ready', attempts = 0, deaths = 0, refusals = 0, refused_at = NULL, token = token + 1,
    lane = greatest(lane, %s), finished_at = NULL, run_at = statement_timestamp(), created_at = statement_timestamp()
WHERE id = ANY(%s) AND (%s OR team_id = ANY(%s)) AND state IN ('dead', 'cancelled') AND {overview.NO_NEWER}
RETURNING queue
"""


def retry(job_ids: Iterable[int], *, teams: Collection[int] | None = None) -> int:
    """Make dead and cancelled jobs ready again, with all their attempts; they wait from now on. Returns how many.

    teams: only the jobs of these.
    """
    ids = list(job_ids)
    try:
        return _retry(ids, teams)
    except IntegrityError:  # The same was put in while the statement ran; another sees it.
        return _retry(ids, teams)


@transaction.atomic
def _retry(ids: list[int], teams: Collection[int] | None) -> int:
    lane = Lane.NORMAL if len(ids) > WAITED_FOR else Lane.WAITING
    with connection.cursor() as cursor:
        cursor.execute(RETRY, [lane, ids, teams is None, list(teams or ())])
        queues = [queue for (queue,) in cursor.fetchall()]
    wake_on_commit(queues)
    return len(queues)


def retry_subject(subject: int, *, kind: str | None = None) -> int:
    """Try again what failed for one subject."""
    failed = Job.objects.filter(FAILED, subject=subject)
    if kind is not None:
        failed = failed.filter(kind=kind)
    return retry(failed.values_list("id", flat=True))


def retry_all(kind: str | None = None, *, teams: Collection[int] | None = None) -> int:
    """Try again every job of a kind, or of any, that has failed for good."""
    dead = Job.objects.filter(_of(teams), state=State.DEAD)
    chosen = dead if kind is None else dead.filter(kind=kind)
    return retry(chosen.values_list("id", flat=True), teams=teams)


def hand_out_anew() -> int:
    """After a restore: who worked when the backup was made works on it no more. Returns how many jobs."""
    anew = {"state": State.READY, "lease_until": None, "token": F("token") + 1}
    return Job.objects.filter(state=State.RUNNING).update(**anew, attempts=Greatest(F("attempts") - 1, 0))


def settle(subject: int, kind: str) -> None:
    """Take what failed for a subject as done: somebody did by hand what it was for."""
    Job.objects.filter(FAILED, subject=subject, kind=kind).update(state=State.DONE, last_error="")


def cancel(job_ids: Iterable[int], *, teams: Collection[int] | None = None) -> int:
    """Cancel open jobs. One that is running loses its lease, so its result is dropped. Returns how many."""
    open_jobs = Job.objects.filter(OPEN, _of(teams), id__in=list(job_ids))
    return open_jobs.update(state=State.CANCELLED, lease_until=None, finished_at=Now())


def cancel_waiting(kind: str, *, teams: Collection[int] | None = None) -> int:
    """Cancel all jobs of a kind that nobody works on yet. Their items show it, and they can be tried again."""
    waiting = Job.objects.filter(_of(teams), kind=kind, state=State.READY)
    return waiting.update(state=State.CANCELLED, finished_at=Now())


def give_up(job_ids: Iterable[int], *, teams: Collection[int] | None = None) -> int:
    """Take failures for cancelled: they stay what they are until somebody tries them again. Returns how many."""
    failures = Job.objects.filter(_of(teams), id__in=list(job_ids), state=State.DEAD)
    return failures.update(state=State.CANCELLED)


def forget_space(space_id: int) -> None:
    """Delete what waits, runs or has failed for one space. A result that comes late ends at the fence."""
    Job.objects.filter(OPEN | FAILED, space_id=space_id).delete()


def forget_failures(kind: str) -> None:
    """Delete the failures of a kind that are of no space by name."""
    Job.objects.filter(FAILED, kind=kind, space_id=None).delete()


def prune() -> int:
    """Delete finished jobs that newer ones have replaced. The newest of each kind stays: it is the stage's state."""
    old = overview.superseded().filter(finished_at__lt=Now() - KEEP_SUPERSEDED)
    ids = list(old.values_list("id", flat=True)[:10_000])
    return Job.objects.filter(id__in=ids).delete()[0]


def _of(teams: Collection[int] | None) -> Q:
    return Q() if teams is None else Q(team_id__in=list(teams))
