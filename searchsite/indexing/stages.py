"""How far each item has come, for pages and API; and what a person may ask for again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from searchsite.indexing import holding, plan, spaces, tables
from searchsite.indexing.advice import advice_for
from searchsite.indexing.reasons import translated
from searchsite.jobs import care, overview, pausing, queue
from searchsite.jobs.models import Lane, StagePause, State
from searchsite.jobs.overview import Stage
from searchsite.library import volumes
from searchsite.library.models import Item

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
CANCELLED, NOT_CONFIGURED, NOT_NEEDED = "cancelled", "not_configured", "not_needed"
# The captioner was turned on after the picture came: it is asked when somebody wants it.
NOT_ASKED = "not_asked"
PROCESSING, READY = "processing", "ready"
SHOWN = {
    State.READY: WAITING,
    State.RUNNING: RUNNING,
    State.DONE: DONE,
    State.DEAD: FAILED,
    State.CANCELLED: CANCELLED,
}
OPEN = {State.READY, State.RUNNING}
# A stage that somebody cancelled leaves its item without what the stage makes; the stage says which it was.
UNDONE = {State.DEAD, State.CANCELLED}


@dataclass(frozen=True)
class StageView:
    """One stage of one item. `error` is a sentence; a waiting stage has one when an attempt has failed.

    advice: what a person can do about a stage that failed for good.
    """

    state: str
    error: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Progress:
    """Where an item stands: processing, ready or failed, and each stage."""

    status: str
    stages: dict[str, StageView]

    @property
    def is_held(self) -> bool:
        """Whether a stage waits for more than its turn: a person, a budget, or another attempt."""
        return any(view.state == WAITING and view.error for view in self.stages.values())


def status_of(items: Iterable[Item]) -> dict[int, Progress]:
    """Return the progress of each item, by primary key. Two queries, however many items."""
    listed = list(items)
    jobs = overview.stages([item.pk for item in listed], _serving())
    found = {item.pk: _progress(item, jobs.get(item.pk, {})) for item in listed}
    _explain({item.pk: item.team_id for item in listed}, found)
    return found


def having(items: QuerySet[Item], status: str) -> QuerySet[Item]:
    """Keep the items that `status_of` shows as processing, failed or ready."""
    where = _serving()
    pending, failed = overview.open_for("id", where), overview.failed_for("id", spaces=where)
    match status:
        case "processing":
            return items.filter(pending)
        case "failed":
            return items.filter(failed, ~pending)
        case _:
            return items.filter(~failed, ~pending)


@transaction.atomic
def retry(item: Item, kind: str | None = None) -> int:
    """Try again what failed for the item; returns how many stages."""
    return care.retry_subject(item.pk, kind=kind)


@transaction.atomic
def reprocess(item: Item) -> None:
    """Do everything for the item again, as if it had just been put in. What is known of it serves until then."""
    for space in spaces.filling():
        tables.forget(space.pk, item.pk)
    first = plan.DECODE if item.is_picture else plan.EMBED
    queue.enqueue([plan.job(first, item, lane=Lane.WAITING)])


def _explain(teams: Mapping[int, int], found: Mapping[int, Progress]) -> None:
    """Say of jobs that wait in silence when it is for a person or a budget; most often, nobody waits at all."""
    silent = [
        (teams[pk], kind, progress.stages)
        for pk, progress in found.items()
        for kind, view in progress.stages.items()
        if progress.status == PROCESSING and view == StageView(WAITING)
    ]
    pauses, low = (pausing.pauses(), volumes.short()) if silent else ({}, None)
    for kind in {kind for _, kind, _ in silent}:
        reasons = holding.reasons({team_id for team_id, of, _ in silent if of == kind}, kind)
        for team_id, of, views in silent:
            if of == kind and low is not None:
                views[kind] = StageView(WAITING, low.held)
            elif of == kind and (kind in pauses or team_id in reasons):
                views[kind] = StageView(WAITING, paused_words(pauses[kind]) if kind in pauses else reasons[team_id])


def paused_words(pause: StagePause) -> str:
    """Why a paused stage waits, for everyone."""
    words = gettext("An operator has paused this stage")
    return f"{words}: {pause.reason}" if pause.reason else f"{words}."


def _serving() -> tuple[int | None, ...]:
    """Whose jobs show how far an item is: those of the space that answers, not of one that is built beside it."""
    space = spaces.active()
    return (None,) if space is None else (None, space.pk)


def _progress(item: Item, jobs: dict[str, Stage]) -> Progress:
    views = {kind: _view(item, kind, jobs) for kind in plan.BATCH}
    states = {stage.state for stage in jobs.values()}
    if states & OPEN:
        return Progress(PROCESSING, views)
    return Progress(FAILED if states & UNDONE else READY, views)


def _view(item: Item, kind: str, jobs: dict[str, Stage]) -> StageView:
    stage = jobs.get(kind)
    if stage is not None:
        advice = advice_for(kind, stage.error) if stage.state == State.DEAD else ""
        return StageView(
            SHOWN[State(stage.state)], translated(stage.error) if stage.state != State.DONE else "", advice
        )
    if not item.is_picture and kind != plan.EMBED:
        return StageView(NOT_NEEDED)
    if kind == plan.READ and plan.reader() != "builtin":
        # The captioner reads while it captions.
        return StageView(NOT_NEEDED if plan.reader() == "captioner" else NOT_CONFIGURED)
    if kind == plan.CAPTION:
        return StageView(_uncaptioned(jobs))
    return StageView(WAITING)


def _uncaptioned(jobs: dict[str, Stage]) -> str:
    """A picture without a job to caption it: that comes with the end of decoding, or not by itself."""
    if not plan.captions():
        return NOT_CONFIGURED
    return NOT_ASKED if plan.DECODE in jobs and jobs[plan.DECODE].state == State.DONE else WAITING
