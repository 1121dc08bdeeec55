"""Put in, claim, finish: the life of a job. All times are the database's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from searchsite.jobs import turns
from searchsite.jobs.models import Job, Lane
from searchsite.jobs.wake import wake_on_commit

LEASE_SECONDS = 60
MAX_ATTEMPTS = 3
# More than attempts, since most that die are killed for no fault of the job: 32 at once are in flight, again and again.
MAX_DEATHS = 6
BACKOFF_SECONDS = 4
# After so many refusals of a provider that takes others, a job is tried alone.
ALONE_AFTER = 3
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


# What Job.objects.bulk_create would do, with less CPU: it runs at each upload.
ENQUEUE = """
INSERT INTO job (kind, queue, lane, team_id, subject, space_id, input_hash, state, token, attempts, deaths, last_error)
SELECT kind, queue, lane, team_id, subject, space_id, input_hash, 'ready', 0, 0, 0, ''
FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
    AS new (kind, queue, lane, team_id, subject, space_id, input_hash)
ON CONFLICT DO NOTHING
"""
ENQUEUED = ("kind", "queue", "lane", "team_id", "subject", "space_id", "input_hash")
# Two statements, so that each uses its own partial index. Rows that have died too often are buried first and so
# are never handed out again.
BURY = """
UPDATE job SET state = 'dead', lease_until = NULL, finished_at = statement_timestamp(), last_error = %s,
    deaths = deaths + 1
WHERE queue = %s AND state = 'running' AND lease_until < statement_timestamp() AND deaths + 1 >= %s
"""
# An abandoned job; and, with `picked` of another making, those that wait. What RETURNING gives is in no order.
CLAIM = """
UPDATE job SET state = 'running', token = token + 1, attempts = attempts + 1, deaths = deaths + {died},
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM picked WHERE job.id = picked.id
RETURNING job.id, kind, queue, subject, team_id, space_id, input_hash, token, attempts, deaths, lane, refusals,
    refused_at IS NOT NULL, place
"""
# A queue is named after its kind, so whether that is paused is asked once a claim, and not of each row.
NOT_PAUSED = "NOT EXISTS (SELECT FROM stage_pause WHERE stage_pause.kind = %(queue)s)"
CLAIM_EXPIRED = f"""
WITH picked AS (
    SELECT id, 1 AS place FROM job WHERE queue = %(queue)s AND state = 'running' AND lease_until < statement_timestamp()
        AND {NOT_PAUSED}
        AND coalesce(space_id, 0) <> ALL(%(without)s::bigint[]) AND team_id <> ALL(%(without_teams)s::bigint[])
    ORDER BY lane, lease_until, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
""" + CLAIM.format(died=1)
# `line`: the first job of each lane, team and space, found by one jump in the index for each. Those of a lane that are
# due share what is handed out; what one cannot use goes to the others, and only then to the next lane. The rows of a
# line are locked one by one as they are needed, so several who claim at once do not keep them from each other.
# Measured with 32 a claim, one team and fifty: 2.1 and 2.1 ms of 100,000 rows, 2.1 and 3.5 ms of a million, where
# claiming in the order of lanes and times alone took 1.2 to 2.2 ms.
CLAIM_READY = f"""
WITH RECURSIVE line AS (
    (SELECT lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job
    WHERE queue = %(queue)s AND state = 'ready' AND {NOT_PAUSED}
    ORDER BY lane, team_id, coalesce(space_id, 0), run_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM line CROSS JOIN LATERAL (
        SELECT lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job
        WHERE queue = %(queue)s AND state = 'ready'
            AND (lane, team_id, coalesce(space_id, 0)) > (line.lane, line.team_id, line.space)
        ORDER BY lane, team_id, coalesce(space_id, 0), run_at LIMIT 1
    ) AS next
), due AS MATERIALIZED (
    SELECT lane, team_id, space, ceil(%(limit)s::float8 / count(*) OVER (PARTITION BY lane))::bigint AS share
    FROM line WHERE run_at <= statement_timestamp()
        AND space <> ALL(%(without)s::bigint[]) AND team_id <> ALL(%(without_teams)s::bigint[])
), in_turn AS MATERIALIZED (
    SELECT job.id FROM (
        SELECT due.*, share * again AS skipped, CASE again WHEN 0 THEN share ELSE %(limit)s END AS most
        FROM due CROSS JOIN (VALUES (0), (1)) AS turn (again)
        LEFT JOIN unnest(%(lanes)s::smallint[], %(teams)s::bigint[], %(spaces)s::bigint[])
            AS last (lane, team_id, space) USING (lane)
        ORDER BY lane <> %(first)s, lane, again,
            (due.team_id, due.space) <= (coalesce(last.team_id, 0), coalesce(last.space, 0)), due.team_id, due.space
    ) AS turn CROSS JOIN LATERAL (
        SELECT id FROM job WHERE queue = %(queue)s AND state = 'ready' AND lane = turn.lane
            AND team_id = turn.team_id AND coalesce(space_id, 0) = turn.space AND run_at <= statement_timestamp()
        ORDER BY run_at, id OFFSET turn.skipped LIMIT turn.most FOR UPDATE SKIP LOCKED
    ) AS job LIMIT %(limit)s
), picked AS MATERIALIZED (
    SELECT id, row_number() OVER () AS place FROM in_turn
)
""" + CLAIM.format(died=0)
WAITED_FOR = f"""
SELECT EXISTS (
    SELECT FROM job WHERE queue = %(queue)s AND state = 'ready' AND lane = %(lane)s AND run_at <= statement_timestamp()
) AND {NOT_PAUSED}
"""
HEARTBEAT = """
UPDATE job SET lease_until = statement_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
"""
FINISH = """
UPDATE job SET state = 'done', lease_until = NULL, finished_at = statement_timestamp(), last_error = ''
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
RETURNING job.id
"""
FAIL = """
UPDATE job SET last_error = %s, lease_until = NULL,
    state = CASE WHEN attempts - deaths >= %s THEN 'dead' ELSE 'ready' END,
    finished_at = CASE WHEN attempts - deaths >= %s THEN statement_timestamp() END,
    run_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = %s AND token = %s AND state = 'running'
"""
RELEASE = """
UPDATE job SET state = 'ready', attempts = greatest(attempts - 1, 0), lease_until = NULL, last_error = %s,
    run_at = statement_timestamp() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, token)
WHERE job.id = held.id AND job.token = held.token AND state = 'running'
"""
# Jumps from line to line, too: of a million jobs it took 0.7 s to read all, each few seconds.
DUE = """
WITH RECURSIVE line AS (
    (SELECT queue, lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job WHERE state = 'ready'
    ORDER BY queue, lane, team_id, coalesce(space_id, 0), run_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM line CROSS JOIN LATERAL (
        SELECT queue, lane, team_id, coalesce(space_id, 0) AS space, run_at FROM job WHERE state = 'ready'
            AND (queue, lane, team_id, coalesce(space_id, 0)) > (line.queue, line.lane, line.team_id, line.space)
        ORDER BY queue, lane, team_id, coalesce(space_id, 0), run_at LIMIT 1
    ) AS next
), due AS (
    SELECT queue FROM line WHERE run_at <= statement_timestamp()
    UNION SELECT queue FROM job WHERE state = 'running' AND lease_until < statement_timestamp()
)
SELECT queue FROM due WHERE queue NOT IN (SELECT kind FROM stage_pause)
"""


def enqueue(jobs: Sequence[Job]) -> None:
    """Write jobs in the caller's transaction; one that is already open for the same input is not doubled."""
    if not jobs:
        return
    with connection.cursor() as cursor:
        cursor.execute(ENQUEUE, [[getattr(job, name) for job in jobs] for name in ENQUEUED])
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
        cursor.execute(BURY, [WORKER_DIED, queue, MAX_DEATHS])
        for statement in _in_order(queue) if alone else (CLAIM_READY,):
            cursor.execute(statement, asked)
            if rows := cursor.fetchall():
                break
    claims = _claims(rows)
    turns.served(queue, claims, abandoned=bool(rows) and statement is CLAIM_EXPIRED)
    return claims


def _in_order(queue: str) -> tuple[str, str]:
    """After an abandoned job what people wait for is next: a kill may leave hundreds of them."""
    if turns.abandoned_last(queue) and somebody_waits(queue):
        return CLAIM_READY, CLAIM_EXPIRED
    return CLAIM_EXPIRED, CLAIM_READY


def heartbeat(claims: Iterable[Claim], *, lease: float = LEASE_SECONDS) -> int:
    """Renew the leases of claims still held; returns how many are."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(HEARTBEAT, [lease, ids, tokens])
        return int(cursor.rowcount)


def finish(held: Claim) -> None:
    """Mark a job done inside the transaction that writes its result. Raises Fenced when it is no longer ours."""
    if not finish_all([held]):
        raise Fenced(f"job {held.id} is no longer held with token {held.token}")


def finish_all(claims: Iterable[Claim]) -> set[int]:
    """Mark jobs done as `finish` does; returns the ids of those that were still ours. The others' results are void."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(FINISH, [ids, tokens])
        return {pk for (pk,) in cursor.fetchall()}


def fail(held: Claim, message: str, *, permanent: bool, delay: float | None = None) -> bool:
    """Record a failure: tried again later, or dead when `permanent` or out of attempts. False: no longer held."""
    limit = 0 if permanent else MAX_ATTEMPTS
    wait = BACKOFF_SECONDS * 4**held.failures if delay is None else delay
    with connection.cursor() as cursor:
        cursor.execute(FAIL, [message.replace("\0", "")[:2000], limit, limit, wait, held.id, held.token])
        return bool(cursor.rowcount == 1)


def release(claims: Iterable[Claim], message: str, *, delay: float) -> None:
    """Give jobs back without counting the attempt: the fault was not theirs (a provider down, a shutdown)."""
    ids, tokens = _pairs(claims)
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [message.replace("\0", "")[:2000], delay, ids, tokens])


def due_queues() -> list[str]:
    """Queues that have work due now; for the sweep."""
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        return [queue for (queue,) in cursor.fetchall()]


def somebody_waits(queue: str) -> bool:
    """Whether a queue has work now that a person waits for."""
    with connection.cursor() as cursor:
        cursor.execute(WAITED_FOR, {"queue": queue, "lane": Lane.WAITING})
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
