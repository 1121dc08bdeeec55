"""Whatever happens to jobs in whatever order: one holder each, none lost, done once at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from searchsite.jobs import care, queue, turns
from searchsite.jobs.models import Job, Lane, State
from searchsite.jobs.queue import Claim

HOUR = timedelta(hours=1)
SUBJECTS, TEAMS = st.integers(1, 4), st.integers(1, 3)


class Lives(RuleBasedStateMachine):
    """Several workers, whose claims the machine keeps for as long as it likes: any may write late."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        Job.objects.all().delete()
        turns.forget()
        self.owner: dict[int, int] = {}
        """By job: the token that may write, as far as anybody was told."""
        self.done: list[int] = []
        self.known: set[int] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    @rule(subject=SUBJECTS, team=TEAMS, lane=st.sampled_from(Lane), space=st.sampled_from([None, 7]))
    def enqueue(self, subject: int, team: int, lane: Lane, space: int | None) -> None:
        job = Job(kind="embed", queue="embed", team_id=team, subject=subject, lane=lane, space_id=space)
        queue.enqueue([job])
        now = set(Job.objects.values_list("id", flat=True))
        assert self.known <= now, "a job went"
        assert len(now - self.known) <= 1
        self.known = now

    @rule(target=held, limit=st.integers(1, 5), without=st.sampled_from([(), (7,)]))
    def claim(self, limit: int, without: tuple[int, ...]) -> object:
        due = Job.objects.filter(state=State.READY, run_at__lte=Now())
        waiting = (due.filter(space_id=None) if without else due).count()
        expired = set(Job.objects.filter(state=State.RUNNING, lease_until__lt=Now()).values_list("id", flat=True))
        claims = queue.claim("embed", limit=limit, without=without)
        taken = {claim.id for claim in claims}
        assert len(claims) == len(taken) <= limit
        assert not taken & set(self.owner) - expired, "a job has two holders"
        again = taken & expired
        assert taken == again and len(again) == 1 if again else len(taken) == min(limit, waiting)
        for claim in claims:
            assert claim.token > self.owner.get(claim.id, -1)
        self.owner |= {claim.id: claim.token for claim in claims}
        self._bury()
        return multiple(*claims)

    @rule(claim=held)
    def leave(self, claim: Claim) -> None:
        """Its worker hangs, or died: its lease runs out."""
        Job.objects.filter(id=claim.id, token=claim.token, state=State.RUNNING).update(lease_until=Now() - HOUR)

    @rule(target=held, claim=held)
    def take_over(self, claim: Claim) -> object:
        """Its lease runs out, and somebody else comes by at once."""
        self.leave(claim)
        return self.claim(5, ())

    @rule(claim=held)
    def heartbeat(self, claim: Claim) -> None:
        assert queue.heartbeat([claim]) == self._is_ours(claim)

    @rule(claim=consumes(held))
    def finish(self, claim: Claim) -> None:
        ours = self._is_ours(claim)
        assert queue.finish_all([claim]) == ({claim.id} if ours else set())
        if ours:
            self.done.append(claim.id)
            del self.owner[claim.id]

    @rule(claim=held, permanent=st.booleans())
    def fail(self, claim: Claim, permanent: bool) -> None:
        ours = self._is_ours(claim)
        assert queue.fail(claim, "no", permanent=permanent, delay=0) == ours
        if ours:
            del self.owner[claim.id]

    @rule(claim=held, later=st.booleans())
    def release(self, claim: Claim, later: bool) -> None:
        if self._is_ours(claim):
            del self.owner[claim.id]
        queue.release([claim], "away", delay=60 if later else 0)

    @rule(claim=held)
    def cancel(self, claim: Claim) -> None:
        cancelled = care.cancel([claim.id])
        self.owner.pop(claim.id, None) if cancelled else None

    @rule(subject=SUBJECTS)
    def retry(self, subject: int) -> None:
        care.retry_subject(subject)

    @rule()
    def time_passes(self) -> None:
        Job.objects.filter(state=State.READY).update(run_at=F("run_at") - HOUR)

    @invariant()
    def nothing_is_lost_and_nothing_done_twice(self) -> None:
        rows = {row.id: row for row in Job.objects.all()}
        assert set(rows) == self.known
        assert len(self.done) == len(set(self.done))
        assert {pk for pk, row in rows.items() if row.state == State.DONE} == set(self.done)
        running = {pk: row.token for pk, row in rows.items() if row.state == State.RUNNING}
        assert running == self.owner
        assert all((row.lease_until is not None) == (row.state == State.RUNNING) for row in rows.values())

    def _is_ours(self, claim: Claim) -> bool:
        return self.owner.get(claim.id) == claim.token

    def _bury(self) -> None:
        """Those that have died too often were buried by the claim."""
        for pk in Job.objects.filter(id__in=self.owner, state=State.DEAD).values_list("id", flat=True):
            del self.owner[pk]


@pytest.mark.django_db
def test_a_job_has_one_holder_is_never_lost_and_is_done_once():
    calm = settings(
        max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Lives, settings=calm)
    assert connection.in_atomic_block
