"""The loop of a worker: claim a batch, hold its leases, run its stage, and let no failure go unrecorded."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from django.utils.translation import gettext_noop

from searchsite import config
from searchsite.indexing import caption, decode, embed, flow, holding, plan, read, suspects
from searchsite.indexing.suspects import RefusedAlone
from searchsite.inference import plainly
from searchsite.inference.errors import InferenceError, OutOfBudget
from searchsite.jobs import lease, queue, refusing, wake
from searchsite.jobs.queue import Claim
from searchsite.library import volumes
from searchsite.library.refusals import Refusal
from searchsite.steps import Step, reached

log = structlog.get_logger()
STAGES: Mapping[str, Callable[[Sequence[Claim]], None]] = {
    plan.DECODE: decode.run,
    plan.READ: read.run,
    plan.CAPTION: caption.run,
    plan.EMBED: embed.run,
}
# A task ends after this, so that a worker that was asked to stop does so soon.
STINT_SECONDS = 5.0
# Calls on their way have to come back before a task ends, and go off anew after it: more seldom where there are many.
EMBED_SECONDS = 10.0
# How long a process leaves a queue alone whose server is away: longer each time, unless the gate says how long.
SHORTEST_PAUSE, LONGEST_ASKED = 2.0, 600.0
FULL_DISK_PAUSE = 300.0
# psycopg's OperationalErrors that the same rows would meet again: a value larger than Postgres can hold.
LIMITS = "54"


@dataclass
class _Pause:
    """Leaves a queue alone for a while, or those of its jobs that are for one space."""

    until: float = 0.0
    length: float = 0.0

    def begin(self, asked: float | None) -> float:
        if asked is None and self.lasts:
            return self.until - time.monotonic()  # what was on its way beside the first fails, too
        longer = min(max(self.length * 2, SHORTEST_PAUSE), config.load().probe_seconds)
        self.length = longer if asked is None else min(asked, LONGEST_ASKED)
        self.until = time.monotonic() + self.length
        return self.length

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self.until


# By queue and space: a server that is away keeps no other waiting.
_pauses: defaultdict[tuple[str, int | None], _Pause] = defaultdict(_Pause)


def work(name: str) -> int:
    """Work through a queue for a while; returns how many jobs were claimed."""
    until = time.monotonic() + (EMBED_SECONDS if name == plan.EMBED else STINT_SECONDS)
    worked = 0
    try:
        while claimed := work_once(name, until):
            worked += claimed
            if time.monotonic() > until or _gives_way(name):
                wake.wake(name)
                break
    except Error as error:
        # Nothing is lost: leases run out, and the sweep wakes us again.
        log.warning("database is away", queue=name, error=type(error).__name__)
        connection.close()
    return worked


def work_once(name: str, until: float) -> int:
    """Claim some jobs and work through them; returns how many there were."""
    seconds = config.load().lease_seconds
    held: list[Claim] = []

    def take(limit: int, alone: bool) -> list[Claim]:
        if volumes.short() is not None:
            # Every stage writes. What waits keeps waiting, and the sweep asks again every few seconds.
            return []
        if held and _gives_way(name):
            return []
        paused = [space_id for (queue_name, space_id), pause in _pauses.items() if queue_name == name and pause.lasts]
        poor = holding.left(name)
        claims = queue.claim(name, limit=limit, lease=seconds, without=paused, without_teams=poor, alone=alone)
        held.extend(claims)
        if claims:
            reached(Step(f"{name}.claimed"))
        return holding.affordable(name, claims)

    with lease.held(held, lease=seconds):
        if name == plan.EMBED:
            flow.run(take, _run, until=until)
        else:
            for batch in _batches(take(plan.at_once(name), True)):
                _run(partial(STAGES[name], batch), batch)
    return len(held)


def _gives_way(name: str) -> bool:
    """Whether a person waits for a picture to be decoded, and this process could do that instead of embedding."""
    return name == plan.EMBED and queue.somebody_waits(plan.DECODE)


def _batches(claims: Sequence[Claim]) -> list[Sequence[Claim]]:
    """Jobs that failed before are tried alone, so that they spoil nothing for others."""
    fresh = [claim for claim in claims if not claim.alone]
    again: list[Sequence[Claim]] = [[claim] for claim in claims if claim.alone]
    return [fresh, *again] if fresh else again


def _run(stage: Callable[[], None], claims: Sequence[Claim]) -> None:
    """Run a stage for claims. What it has finished is no longer ours to fail: the fence keeps that apart."""
    try:
        stage()
        _pause_of(claims).length = 0.0
    except InferenceError as error:
        _release(claims, error)
    except (DatabaseError, InterfaceError) as error:
        _settle(claims, error)
    except Refusal as error:
        # The disk is full. Decoding the rest of the queue would be for nothing.
        wait = _pause_of(claims).begin(FULL_DISK_PAUSE)
        log.error("no room", error=str(error), wait=wait)
        queue.release(claims, str(error), delay=wait)
    except MemoryError:
        # Celery would end the whole worker.
        _fail(claims, gettext_noop("There was not enough memory."))
    except Exception as error:
        # The loop of a worker: an error of the code must not leave its jobs to run out of leases.
        log.exception("stage failed", claims=[claim.id for claim in claims])
        _fail(claims, f"Unexpected error ({type(error).__name__}).")


def _pause_of(claims: Sequence[Claim]) -> _Pause:
    return _pauses[claims[0].queue, claims[0].space_id]


def _release(claims: Sequence[Claim], error: InferenceError) -> None:
    if not error.shared:
        for claim in claims:
            queue.fail(claim, error.message, permanent=error.permanent)
        return
    if isinstance(error, OutOfBudget):
        holding.give_back(claims[0].queue, claims)
        return
    if isinstance(error, RefusedAlone):
        log.warning("refused alone", error=error.message, claims=[claim.id for claim in claims])
        suspects.give_back(claims, error)
        return
    wait = _pause_of(claims).begin(error.retry_after)
    log.warning("inference is away", error=error.message, wait=wait)
    refusing.refuse(claims, plainly.told(error), delay=wait)


def _settle(claims: Sequence[Claim], error: Error) -> None:
    """No job is to blame for a database that is away; one that refuses what it is given refuses it again."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if state == volumes.FULL_STATE:
        log.error("no room in the database", error=str(error).strip())
        queue.release(claims, volumes.DATABASE_FULL, delay=_pause_of(claims).begin(FULL_DISK_PAUSE))
        return
    if isinstance(error, OperationalError | InterfaceError) and not state.startswith(LIMITS):
        log.warning("database is away", error=str(error).strip())
        connection.close()
        queue.release(claims, gettext_noop("The database was away."), delay=SHORTEST_PAUSE)
    else:
        log.error("database refused", error=str(error).strip(), claims=[claim.id for claim in claims])
        _fail(claims, f"The database refused what came of it ({type(error).__name__}).")


def _fail(claims: Sequence[Claim], message: str) -> None:
    for claim in claims:
        queue.fail(claim, message, permanent=False)
