"""Put in, claim, finish: the life of a job. All times are the database's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from searchsite.jobs import statements, turns
from searchsite.jobs.models import Job, Lane
from searchsite.jobs.wake import wake_on_commit

LEASE_SECONDS = 60
MAX_ATTEMPTS = 3
# More than attempts, since most that die are killed for no fault of the job: 32 at once are in flight, again and again.
MAX_DEATHS = 6
BACKOFF_SECONDS = 4
# After so many refusals of a provider that takes others, a job is tried alone.
ALONE_AFTER = 3
ENQUEUED = ("kind", "queue", "lane", "team_id", "subject", "space_id", "input_hash")
WORKER_DIED = gettext_noop("The worker died too often while it worked on this.")


class Fenced(Exception):
    """The lease was lost to another worker, or the job was cancelled: the result must be dropped."""


@dataclass(frozen=True)
class Claim:
    """A job that this worker holds until its lease runs out. `token` fences late writes."""

    id: int
    kind: str
    queue: str
    subject: int
    team_id: int
    space_id: int | None
    input_hash: bytes
    token: int
    attempts: int
    deaths: int
    lane: int
    refusals: int
    refused: bool

    @property
    def failures(self) -> int:
        """How many of its attempts the job itself is to blame for, counting the one under way."""
        return self.attempts - self.deaths

    @property
    def alone(self) -> bool:
        """Whether it is to be tried alone: it failed, or its provider refuses what it is in and takes others."""
        return self.attempts > 1 or self.refusals >= ALONE_AFTER


def enqueue(jobs: Sequence[Job]) -> None:
    """Write jobs in the caller's transaction; one that is already open for the same input is not doubled."""
    if not jobs:
        return
    with connection.cursor() as cursor:
        cursor.execute(statements.ENQUEUE, [[getattr(job, name) for job in jobs] for name in ENQUEUED])
    wake_on_commit(job.queue for job in jobs)


def claim(
    queue: str,
    *,
    limit: int,
    lease: float = LEASE_SECONDS,
    without: Collection[int | None] = (),
    without_teams: Collection[int] = (),
    alone: bool = True,
) -> list[Claim]:
    """Take up to `limit` due jobs, none of a paused kind, none for the spaces `without`, none of `without_teams`.

    Teams take turns within a lane, however much each has waiting. The attempt counts from here, so a crash counts, as
    a death. An abandoned job may be what killed its worker, and must not take others with it: it comes by itself, and
    only to whoever says that it has nothing else under way (`alone`). It comes first, but by turns with what people
    wait for.
    """
    last, first = turns.next_of(queue)
    asked: dict[str, str | float | list[int]] = {
        "queue": queue,
        "limit": limit,
        "lease": lease,
        "without": [space_id or 0 for space_id in without],
        "without_teams": list(without_teams),
        "lanes": list(last),
        "teams": [team for team, _ in last.values()],
        "spaces": [space for _, space in last.values()],
        "first": first,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.BURY, [WORKER_DIED, queue, MAX_DEATHS])
        for statement in _in_order(queue) if alone else (statements.CLAIM_READY,):
            cursor.execute(statement, asked)
            if rows := cursor.fetchall():
                break
    claims = _claims(rows)
    turns.served(queue, claims, abandoned=bool(rows) and statement is statements.CLAIM_EXPIRED)
    return claims


def _in_order(queue: str) -> tuple[str, str]:
    """After an abandoned job what people wait for is next: a kill may leave hundreds of them."""
    if turns.abandoned_last(queue) and somebody_waits(queue):
        return statements.CLAIM_READY, statements.CLAIM_EXPIRED
    return statements.CLAIM_EXPIRED, statements.CLAIM_READY


def heartbeat(claims: Iterable[Claim], *, lease: float = LEASE_SECONDS) -> int:
    """Renew the leases of claims still held; returns how many are."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(statements.HEARTBEAT, [lease, ids, tokens])
        return int(cursor.rowcount)


def finish(held: Claim) -> None:
    """Mark a job done inside the transaction that writes its result. Raises Fenced when it is no longer ours."""
    if not finish_all([held]):
        raise Fenced(f"job {held.id} is no longer held with token {held.token}")


def finish_all(claims: Iterable[Claim]) -> set[int]:
    """Mark jobs done as `finish` does; returns the ids of those that were still ours. The others' results are void."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(statements.FINISH, [ids, tokens])
        return {pk for (pk,) in cursor.fetchall()}


def fail(held: Claim, message: str, *, permanent: bool, delay: float | None = None, died: bool = False) -> bool:
    """Record a failure: tried again later, or dead when `permanent` or out of attempts. False: no longer held.

    died: what worked on it was killed, for whatever reason; that counts as a death, of which there may be more.
    """
    wait = BACKOFF_SECONDS * 4 ** (held.deaths + 1 if died else held.failures) if delay is None else delay
    asked = {
        "message": message.replace("\0", "")[:2000],
        "died": int(died),
        "attempts": 0 if permanent else MAX_ATTEMPTS,
        "deaths": MAX_DEATHS,
        "wait": wait,
        "id": held.id,
        "token": held.token,
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.FAIL, asked)
        return bool(cursor.rowcount == 1)


def release(claims: Iterable[Claim], message: str, *, delay: float) -> None:
    """Give jobs back without counting the attempt: the fault was not theirs (a provider down, a shutdown)."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(statements.RELEASE, [message.replace("\0", "")[:2000], delay, ids, tokens])


def due_queues() -> list[str]:
    """Queues that have work due now; for the sweep."""
    with connection.cursor() as cursor:
        cursor.execute(statements.DUE)
        return [queue for (queue,) in cursor.fetchall()]


def somebody_waits(queue: str) -> bool:
    """Whether a queue has work now that a person waits for."""
    with connection.cursor() as cursor:
        cursor.execute(statements.WAITED_FOR, {"queue": queue, "lane": Lane.WAITING})
        return bool(cursor.fetchone()[0])


def _claims(rows: Iterable[tuple[Any, ...]]) -> list[Claim]:
    """In the order in which they were picked, which stands last in each row."""
    return [_claim(row[:-1]) for row in sorted(rows, key=itemgetter(-1))]


def _claim(row: tuple[Any, ...]) -> Claim:
    values = dict(zip(Claim.__annotations__, row, strict=True))
    return Claim(**values | {"input_hash": bytes(values["input_hash"])})


def _pairs(claims: Iterable[Claim]) -> tuple[list[int], list[int]]:
    held = list(claims)
    return [one.id for one in held], [one.token for one in held]
