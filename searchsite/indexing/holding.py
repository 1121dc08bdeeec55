"""Which jobs wait for a budget. They go back to the queue, so that no other team waits for them."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import structlog

from searchsite import config
from searchsite.accounts import budgets
from searchsite.indexing import metering, plan, provider
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.jobs import queue
from searchsite.jobs.queue import Claim

log = structlog.get_logger()
# Together less than a minute: so soon the jobs go on after somebody has raised the budget.
WAIT_SECONDS, LEAVE_SECONDS = 30.0, 15.0
# Should the worker and the meter ever see a budget differently, their quarrel must not fill the machine.
SOON_SECONDS = 1.0
_left: dict[tuple[str, int], float] = {}


def left(name: str) -> list[int]:
    """Teams whose jobs in a queue are not even claimed for the moment: a few seconds ago all had to wait."""
    now = time.monotonic()
    return [team_id for (of, team_id), until in list(_left.items()) if of == name and until > now]


def affordable(name: str, claims: Sequence[Claim]) -> list[Claim]:
    """Give back the claims that wait for a budget, with the reason and without the attempt; return the rest."""
    spent = {} if name == plan.DECODE else budgets.spent_teams({claim.team_id for claim in claims})
    if not spent:
        return list(claims)
    costs = {space_id: _costs(name, space_id) for space_id in {claim.space_id for claim in claims}}
    rest = [claim for claim in claims if claim.team_id not in spent or not costs[claim.space_id]]
    for team_id, budget in spent.items():
        held = [claim for claim in claims if claim.team_id == team_id and claim not in rest]
        queue.release(held, budget.sentence, delay=WAIT_SECONDS)
        log.info("waiting for a budget", queue=name, team=team_id, jobs=len(held))
        if not any(claim.team_id == team_id for claim in rest):
            _left[name, team_id] = time.monotonic() + LEAVE_SECONDS
    return rest


def give_back(name: str, claims: Sequence[Claim]) -> None:
    """After a budget came to its end in the middle of a batch: its team waits, the others begin anew."""
    queue.release(affordable(name, claims), "", delay=SOON_SECONDS)


def reasons(team_ids: Collection[int], kind: str) -> dict[int, str]:
    """By team: why a stage waits, where it waits for a budget."""
    spent = {} if kind == plan.DECODE else budgets.spent_teams(team_ids)
    if not spent or not _costs(kind, None):
        return {}
    return {team_id: budget.sentence for team_id, budget in spent.items()}


def _costs(kind: str, space_id: int | None) -> bool:
    endpoint = _endpoint(kind, space_id)
    return endpoint is not None and not metering.is_free(endpoint)


def _endpoint(kind: str, space_id: int | None) -> Endpoint | None:
    """Where a stage is done. What belongs to no space is embedded for the active one."""
    if kind != plan.EMBED:
        endpoint: Endpoint | None = getattr(stages_from(config.load()), kind)
        return endpoint
    chosen = Space.objects.filter(status=SpaceStatus.ACTIVE) if space_id is None else Space.objects.filter(pk=space_id)
    space = chosen.first()
    return provider.configured() if space is None else provider.endpoint_of(space)
