"""The stage embed: parts become vectors, in the space that a job names or in the one that answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from searchsite.accounts import meter
from searchsite.indexing import batches, centres, plan, spaces, suspects, tables
from searchsite.indexing.inputs import Pending, pending
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.indexing.suspects import RefusedAlone, absence, told_apart
from searchsite.inference.client import SECONDS, Client
from searchsite.inference.errors import InferenceError
from searchsite.inference.types import EmbedInput
from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.jobs.queue import Claim
from searchsite.library.models import Item
from searchsite.steps import Step, reached

log = structlog.get_logger()


@dataclass(frozen=True)
class Unit:
    """Some claims with what their items lack in one space: what is embedded, and then stored, together."""

    space: Space
    client: Client
    claims: Sequence[Claim]
    wanted: dict[int, list[Pending]]

    @property
    def is_local(self) -> bool:
        """Whether the embedded server answers: it has one queue for bulk work, and more at a time gains nothing."""
        return not self.space.url

    def ask(self) -> batches.Outcome:
        """Embed it. Asks no database, but the meter may."""
        reached(Step.EMBED_LOOKED_UP)
        everything = [one for claim in self.claims for one in self.wanted.get(claim.subject, ())]
        if not any(claim.refused for claim in self.claims):
            return batches.embed(self.space, self.client, everything)
        return self._ask_carefully(everything)

    def _ask_carefully(self, wanted: Sequence[Pending]) -> batches.Outcome:
        """Embed what was refused before, after something short: does the provider take others?"""
        try:
            with meter.paying(claim.team_id for claim in self.claims):
                # Not as a query: that is tried three times, and would have a server that is away left alone at once.
                self.client.embed([EmbedInput(text="a")], purpose="document", seconds=SECONDS["query"])
        except InferenceError as error:
            away = absence(error)
            if away is not None:
                return batches.Outcome(stopped=away)
        outcome = batches.embed(self.space, self.client, wanted)
        if outcome.stopped is not None:
            outcome.stopped = self._told_apart(outcome.stopped, batches.left(self.space, wanted, outcome))
        return outcome

    def _told_apart(self, stopped: InferenceError, left: Sequence[EmbedInput]) -> InferenceError:
        """Whose fault it is; of a job that is tried alone, by what is as large."""
        told = told_apart(stopped)
        if told is not stopped and isinstance(told, RefusedAlone) and suspects.is_alone(self.claims):
            with meter.paying(claim.team_id for claim in self.claims):
                told.compared = suspects.takes_as_much(self.client, left)
        return told

    def store(self, outcome: batches.Outcome) -> None:
        """Write what came of it. Raises an InferenceError when the rest must wait for the server."""
        reached(Step.EMBED_ANSWERED)
        embedded = [_Embedded(claim, self.wanted.get(claim.subject, ()), outcome) for claim in self.claims]
        everywhere = self.claims[0].space_id is None
        _store(self.space, embedded, everywhere=everywhere)
        reached(Step.EMBED_COMMITTED)
        if outcome.stopped is not None:
            raise outcome.stopped


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
    def begun(self) -> bool:
        """Whether some parts have vectors, and others have to wait. Those are paid for, and kept."""
        return not self.complete and any(one.part_id in self.outcome.vectors for one in self.wanted)

    @property
    def error(self) -> InferenceError | None:
        """What went wrong with a part: rather the error that trying again can't mend."""
        errors = [self.outcome.errors[one.part_id] for one in self.wanted if one.part_id in self.outcome.errors]
        return min(errors, key=lambda error: not error.permanent, default=None)


def run(claims: Sequence[Claim]) -> None:
    """Embed what the claims' items lack. Raises an InferenceError when the rest must wait for the server."""
    for some in by_space(claims):
        for unit in units(some):
            unit.store(unit.ask())


def by_space(claims: Sequence[Claim]) -> list[list[Claim]]:
    """The claims, those of each space apart: one server that is away keeps no other waiting."""
    ids = dict.fromkeys(claim.space_id for claim in claims)
    return [[claim for claim in claims if claim.space_id == space_id] for space_id in ids]


def units(claims: Sequence[Claim]) -> list[Unit]:
    """Look up what the claims of one space lack, about one call's worth together. Raises an InferenceError."""
    space = _space(claims[0].space_id)
    if space is None:
        # Dropped, or no longer being built: nobody waits for it.
        queue.finish_all(claims)
        return []
    client = spaces.embedder_of(space)
    wanted = pending(space, [claim.subject for claim in claims])
    return [Unit(space, client, some, wanted) for some in _portions(claims, wanted)]


def _space(space_id: int | None) -> Space | None:
    if space_id is None:
        return spaces.ensure_active()
    return next((space for space in spaces.filling() if space.pk == space_id), None)


def _portions(claims: Sequence[Claim], wanted: dict[int, list[Pending]]) -> Iterator[list[Claim]]:
    """What failed before is tried alone, so that it spoils nothing for others."""
    some: list[Claim] = []
    size = 0
    for claim in claims:
        own = len(wanted.get(claim.subject, ()))
        if claim.alone:
            yield [claim]
            continue
        if some and size + own > batches.AT_ONCE:
            yield some
            some, size = [], 0
        some.append(claim)
        size += own
    if some:
        yield some


@transaction.atomic
def _store(space: Space, embedded: Sequence[_Embedded], *, everywhere: bool) -> None:
    """Write rows and ends of jobs together. Items are locked: who adds parts locks them too, so none is overlooked.

    The space is locked first, by whoever changes it as well. `everywhere`: the other spaces follow this one.
    """
    current = spaces.locked(space)
    # Before items are locked, since a page that changes one of them waits that long, and a worker's time is cheap.
    rows_of = {one.claim.id: _rows(current, one) for one in embedded} if current is not None else {}
    ids = [one.claim.subject for one in embedded]
    locked = Item.objects.select_for_update(of=("self",), no_key=True).only("team_id").filter(pk__in=ids).order_by("pk")
    alive = {item.pk: item for item in locked}
    begun = [one for one in embedded if one.begun and queue.heartbeat([one.claim])]
    ended = [one for one in _end([one for one in embedded if one.complete]) if one.claim.subject in alive]
    held = ended + [one for one in begun if one.claim.subject in alive]
    rows = [row for one in held for row in rows_of.get(one.claim.id, ())]
    if current is not None:
        tables.put(space.pk, rows)
    items = {one.claim.subject: alive[one.claim.subject] for one in ended if one.error is None}
    jobs = _missing(current, items) if current is not None else []
    for other in Space.objects.exclude(pk=space.pk).exclude(status=SpaceStatus.DROPPED) if everywhere else ():
        tables.outdate(other.pk, rows)
        jobs += _missing(other, items)
    queue.enqueue(jobs)
    reached(Step.EMBED_WRITTEN)


def _missing(space: Space, items: dict[int, Item]) -> list[Job]:
    """Jobs for what these items lack by now in a space that is kept up to date."""
    if space.status == SpaceStatus.RETIRED:
        return []
    building = space.status == SpaceStatus.BUILDING
    lane, space_id = (Lane.BULK, space.pk) if building else (Lane.NORMAL, None)
    return [plan.job(plan.EMBED, items[pk], lane=lane, space_id=space_id) for pk in pending(space, items)]


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
            centre = centres.centre_of(space, part.part.channel)
            code = tables.code_of(vector, centre.mean if centre else None)
            rows.append(tables.Row(part.part_id, vector, code, centre.version if centre else 0, part.input_hash))
    return rows
