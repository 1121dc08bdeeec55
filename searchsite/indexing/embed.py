"""The stage embed: parts become vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from searchsite.indexing import batches, plan, spaces, tables
from searchsite.indexing.inputs import Pending, pending
from searchsite.indexing.models import Space
from searchsite.inference.errors import InferenceError
from searchsite.jobs import queue
from searchsite.jobs.queue import Claim
from searchsite.library.models import Item

log = structlog.get_logger()


@dataclass(frozen=True)
class _Embedded:
    """One claim with what came of its parts."""

    claim: Claim
    wanted: Sequence[Pending]
    outcome: batches.Outcome

    @property
    def complete(self) -> bool:
        """Whether each part has come to something, good or bad."""
        come_to = self.outcome.vectors.keys() | self.outcome.errors.keys()
        return all(one.part_id in come_to for one in self.wanted)

    @property
    def error(self) -> InferenceError | None:
        """What went wrong with a part: rather the error that trying again can't mend."""
        errors = [self.outcome.errors[one.part_id] for one in self.wanted if one.part_id in self.outcome.errors]
        return min(errors, key=lambda error: not error.permanent, default=None)


def run(claims: Sequence[Claim]) -> None:
    """Embed what the claims' items lack. Raises an InferenceError when the rest must wait for the server."""
    space = spaces.ensure_active()
    wanted = pending(space, [claim.subject for claim in claims])
    everything = [one for claim in claims for one in wanted.get(claim.subject, ())]
    outcome = batches.embed(space, everything)
    embedded = [_Embedded(claim, wanted.get(claim.subject, ()), outcome) for claim in claims]
    _store(space, [one for one in embedded if one.complete])
    if outcome.stopped is not None:
        raise outcome.stopped


@transaction.atomic
def _store(space: Space, embedded: Sequence[_Embedded]) -> None:
    """Write rows and ends of jobs together. Items are locked: who adds parts locks them too, so none is overlooked."""
    ids = [one.claim.subject for one in embedded]
    locked = Item.objects.select_for_update(of=("self",)).defer("title_search").filter(pk__in=ids).order_by("pk")
    alive = {item.pk: item for item in locked}
    held = _end(embedded)
    current = spaces.locked(space)
    tables.put(space.pk, [row for one in held if one.claim.subject in alive for row in _rows(current, one)])
    done = [one.claim.subject for one in held if one.error is None]
    queue.enqueue([plan.job(plan.EMBED, alive[pk]) for pk in pending(space, done) if pk in alive])


def _end(embedded: Sequence[_Embedded]) -> list[_Embedded]:
    """End the jobs; return those that are still ours. The others' results are to be dropped."""
    ended = queue.finish_all(one.claim for one in embedded if one.error is None)
    for one in embedded:
        if one.error is not None and queue.fail(one.claim, one.error.message, permanent=one.error.permanent):
            ended.add(one.claim.id)
    for one in embedded:
        if one.claim.id not in ended:
            log.info("late result dropped", job=one.claim.id)
    return [one for one in embedded if one.claim.id in ended]


def _rows(space: Space, one: _Embedded) -> list[tables.Row]:
    rows = []
    for part in one.wanted:
        vector = one.outcome.vectors.get(part.part_id)
        if vector is not None:
            centre = spaces.centre_of(space, part.part.channel)
            code = tables.code_of(vector, centre.mean if centre else None)
            rows.append(tables.Row(part.part_id, vector, code, centre.version if centre else 0, part.input_hash))
    return rows
