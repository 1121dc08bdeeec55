"""The queue of the token's team: where it stands, and for operators what may be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ninja import Router

from searchsite.accounts import audit
from searchsite.api import inputs, job_schemas
from searchsite.api.auth import CHANGE, READ, Caller, Request
from searchsite.api.problems import Problem
from searchsite.indexing import board, halting, missing
from searchsite.indexing.advice import advice_for
from searchsite.indexing.board import Row
from searchsite.indexing.stages import SHOWN
from searchsite.jobs import care, failures, overview
from searchsite.jobs.models import State
from searchsite.library.models import Item

router = Router()


@router.get("/jobs", auth=READ, response=job_schemas.JobsOut, tags=["state"])
def count_jobs(request: Request) -> job_schemas.JobsOut:
    """How much work waits, runs, is done or has failed in your team, by stage and state; how fast, and why not."""
    team_id = request.auth.team.pk
    counts = overview.counts(team_id)
    found = board.board(team_id=team_id, seen=Item.objects.visible_to(request.auth.scope))
    return job_schemas.JobsOut(
        counts={kind: {SHOWN[State(state)]: n for state, n in found.items()} for kind, found in counts.items()},
        stages=[_stage(row) for row in found.rows],
        failures=[
            job_schemas.FailuresOut(
                stage=group.kind,
                state=SHOWN[State(group.state)],
                reason=group.reason,
                advice=advice_for(group.kind, group.said) if group.state == State.DEAD else "",
                jobs=group.count,
                newest=group.newest,
            )
            for group in found.failures.groups
        ],
    )


@router.post("/jobs/retry", auth=CHANGE, response=job_schemas.JobsChanged, tags=["state"])
def retry_jobs(request: Request, chosen: inputs.JobsIn) -> job_schemas.JobsChanged:
    """Try again what has failed in your team: all of it, that of a stage, or that of one reason. For operators."""
    teams = [_operator(request.auth)]
    audit.note(audit.Action.WORK_ASKED, ("stage", chosen.stage or ""), asked="retry", group=chosen.reason is not None)
    if chosen.reason is not None:
        found = _of_reason(chosen, (State.DEAD, State.CANCELLED), teams)
        return job_schemas.JobsChanged(jobs=sum(care.retry(ids, teams=teams) for ids in found))
    return job_schemas.JobsChanged(jobs=care.retry_all(chosen.stage, teams=teams))


@router.post("/jobs/cancel", auth=CHANGE, response=job_schemas.JobsChanged, tags=["state"])
def cancel_jobs(request: Request, chosen: inputs.StageIn) -> job_schemas.JobsChanged:
    """Cancel what waits of a stage in your team, or give up the failures of one reason. For operators."""
    teams = [_operator(request.auth)]
    audit.note(audit.Action.WORK_CANCELLED, ("stage", chosen.stage), asked="cancel", group=chosen.reason is not None)
    if chosen.reason is not None:
        found = _of_reason(chosen, (State.DEAD,), teams)
        return job_schemas.JobsChanged(jobs=sum(care.give_up(ids, teams=teams) for ids in found))
    return job_schemas.JobsChanged(jobs=care.cancel_waiting(chosen.stage, teams=teams))


@router.post("/jobs/missing", auth=CHANGE, response=job_schemas.JobsChanged, tags=["state"])
def process_missing(request: Request, chosen: inputs.StageIn) -> job_schemas.JobsChanged:
    """Have made what a stage has not made in your team, in the bulk lane. Captions may cost. For operators."""
    team_id = _operator(request.auth)
    audit.note(audit.Action.WORK_ASKED, ("stage", chosen.stage), asked="missing")
    return job_schemas.JobsChanged(jobs=missing.enqueue_missing(chosen.stage, team_id=team_id))


@router.post("/jobs/pause", auth=CHANGE, response=job_schemas.JobsChanged, tags=["state"])
def pause_stage(request: Request, chosen: inputs.StageIn) -> job_schemas.JobsChanged:
    """Pause a stage for all teams: what runs is finished, the rest waits. For those who lead the server."""
    _leader(request.auth)
    halting.pause(chosen.stage, by=request.auth.user.get_username(), reason=chosen.reason or "")
    return job_schemas.JobsChanged(jobs=0)


@router.post("/jobs/resume", auth=CHANGE, response=job_schemas.JobsChanged, tags=["state"])
def resume_stage(request: Request, chosen: inputs.StageIn) -> job_schemas.JobsChanged:
    """Let a paused stage go on. For those who lead the server."""
    _leader(request.auth)
    halting.resume(chosen.stage)
    return job_schemas.JobsChanged(jobs=0)


def _operator(caller: Caller) -> int:
    """The team whose jobs the caller may change."""
    user = caller.user
    if not (user.is_superuser or (user.is_staff and caller.may_edit)):
        raise Problem(403, "The queue is changed by operators.", code="operators-only")
    return caller.team.pk


def _leader(caller: Caller) -> None:
    if not caller.user.is_superuser:
        raise Problem(403, "A stage is paused by those who lead the server.", code="operators-only")


def _of_reason(chosen: inputs.JobsIn, states: tuple[str, ...], teams: list[int]) -> Iterator[list[int]]:
    if chosen.stage is None or chosen.reason is None:
        raise Problem(422, "reason: say of which stage.")
    asked = (chosen.stage, chosen.reason)
    return chain.from_iterable(failures.of_group(asked[0], state, asked[1], teams=teams) for state in states)


def _stage(row: Row) -> job_schemas.StageStanding:
    standing = row.standing
    return job_schemas.StageStanding(
        stage=row.kind,
        state=row.state,
        configured=row.configured,
        waiting=standing.waiting,
        running=standing.running,
        failed=row.failed,
        cancelled=row.cancelled,
        done=standing.done,
        done_exact=standing.exact,
        oldest_waiting_seconds=row.oldest_seconds,
        per_minute=round(standing.rate, 2),
        seconds_left=row.seconds_left,
        paused=row.pause is not None,
        paused_reason=row.pause.reason if row.pause else "",
        waits=[job_schemas.WaitOut(reason=one.reason, jobs=one.number, until=one.until) for one in row.waits],
    )
