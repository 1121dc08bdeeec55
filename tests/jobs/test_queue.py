"""The life of a job: claimed once, fenced, failed, buried, tried again."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from searchsite.jobs import care, overview, queue
from searchsite.jobs.models import Job, Lane, State
from searchsite.jobs.queue import Claim, Fenced

pytestmark = pytest.mark.django_db


def job(subject: int = 1, **fields) -> Job:
    return Job(**{"kind": "embed", "queue": "embed", "team_id": 1, "subject": subject} | fields)


def put(*jobs: Job) -> None:
    queue.enqueue(jobs or [job()])


def claim_one() -> Claim:
    (claimed,) = queue.claim("embed", limit=1)
    return claimed


def let_leases_run_out() -> None:
    Job.objects.filter(state=State.RUNNING).update(lease_until="2020-01-01T00:00:00Z")


def let_waits_pass() -> None:
    Job.objects.filter(state=State.READY).update(run_at="2020-01-01T00:00:00Z")


def state(subject: int = 1) -> str:
    return Job.objects.get(subject=subject).state


def test_an_open_job_is_not_doubled():
    put(job(), job())
    put()
    assert Job.objects.count() == 1


def test_a_job_running_is_not_doubled_either():
    put()
    claim_one()
    put()
    assert Job.objects.count() == 1


def test_a_finished_job_may_come_again():
    put()
    queue.finish(claim_one())
    put()
    assert Job.objects.count() == 2


def test_a_claimed_job_is_not_claimed_again():
    put()
    claim_one()
    assert queue.claim("embed", limit=10) == []


def test_a_queue_hands_out_its_own_jobs_alone():
    put(job(queue="read", kind="read"))
    assert queue.claim("embed", limit=10) == []


def test_who_waits_is_served_first():
    put(job(1, lane=Lane.BULK), job(2, lane=Lane.WAITING), job(3))
    assert [claim_one().subject for _ in range(3)] == [2, 3, 1]


def test_a_job_is_not_handed_out_before_its_time():
    put()
    queue.release([claim_one()], "later", delay=60)
    assert queue.claim("embed", limit=1) == []


def test_an_abandoned_job_goes_to_another_worker():
    put()
    first = claim_one()
    let_leases_run_out()
    second = claim_one()
    assert (second.id, second.token, second.attempts) == (first.id, first.token + 1, 2)


def test_an_abandoned_job_comes_alone():
    put(job(1), job(2), job(3))
    queue.claim("embed", limit=2)
    let_leases_run_out()
    assert len(queue.claim("embed", limit=10)) == 1


def test_abandoned_jobs_take_turns_with_those_that_wait():
    put(*[job(number, lane=Lane.BULK) for number in range(4)])
    queue.claim("embed", limit=4)
    let_leases_run_out()
    put(job(9, lane=Lane.WAITING), job(10, lane=Lane.WAITING))
    assert [claim_one().subject in (9, 10) for _ in range(6)] == [False, True, False, True, False, False]


def test_many_that_are_tried_again_let_others_pass():
    put(*[job(number, lane=Lane.WAITING) for number in range(1, 22)])
    Job.objects.update(state=State.DEAD)
    first, *rest = Job.objects.values_list("pk", flat=True)
    care.retry([first])
    assert set(Job.objects.filter(state=State.READY).values_list("lane", flat=True)) == {Lane.WAITING}
    Job.objects.update(state=State.DEAD)
    assert care.retry([first, *rest]) == 21
    assert set(Job.objects.values_list("lane", flat=True)) == {Lane.NORMAL}


@pytest.mark.django_db(transaction=True)
def test_the_same_put_in_while_it_is_tried_again_is_no_error():
    """The statement waits for the other's commit, and meets its job only in the index."""
    put(job(1))
    Job.objects.update(state=State.DEAD)
    told = []

    def put_in_elsewhere() -> None:
        with transaction.atomic():
            put(job(1))
            told.append("written")
            time.sleep(0.5)
        connection.close()

    other = threading.Thread(target=put_in_elsewhere)
    other.start()
    while not told:
        time.sleep(0.01)
    assert care.retry_all() == 0
    other.join()
    assert sorted(Job.objects.values_list("state", flat=True)) == [State.DEAD, State.READY]


def test_a_late_worker_is_fenced_off():
    put()
    late = claim_one()
    let_leases_run_out()
    claim_one()
    with pytest.raises(Fenced):
        queue.finish(late)
    assert state() == State.RUNNING


def test_a_late_failure_is_fenced_off_too():
    put()
    late = claim_one()
    let_leases_run_out()
    claim_one()
    assert queue.fail(late, "no", permanent=True) is False
    assert state() == State.RUNNING


def test_a_heartbeat_keeps_a_lease():
    put()
    held = claim_one()
    let_leases_run_out()
    assert queue.heartbeat([held]) == 1
    assert queue.claim("embed", limit=1) == []


def test_a_heartbeat_does_not_revive_a_lost_lease():
    put()
    late = claim_one()
    let_leases_run_out()
    claim_one()
    assert queue.heartbeat([late]) == 0


def test_a_job_that_kills_its_workers_is_buried():
    put()
    for _ in range(queue.MAX_DEATHS):
        claim_one()
        let_leases_run_out()
    assert queue.claim("embed", limit=1) == []
    dead = Job.objects.get()
    assert (dead.state, dead.last_error) == (State.DEAD, queue.WORKER_DIED)


def test_workers_that_die_leave_a_job_its_attempts():
    put()
    for _ in range(queue.MAX_DEATHS - 1):
        claim_one()
        let_leases_run_out()
    for _ in range(queue.MAX_ATTEMPTS):
        assert state() != State.DEAD
        let_waits_pass()
        queue.fail(claim_one(), "Not now.", permanent=False)
    assert state() == State.DEAD


def test_a_job_that_was_given_back_keeps_what_it_is_to_blame_for():
    put()
    claim_one()
    let_leases_run_out()
    queue.release([claim_one()], "The server is away.", delay=0)
    let_waits_pass()
    held = claim_one()
    assert (held.attempts, held.deaths, held.failures) == (2, 1, 1)


def test_a_permanent_failure_is_final():
    put()
    queue.fail(claim_one(), "That is no picture.", permanent=True)
    assert Job.objects.values_list("state", "last_error").get() == (State.DEAD, "That is no picture.")


def test_a_passing_failure_is_tried_again_but_not_for_ever():
    put()
    for _ in range(queue.MAX_ATTEMPTS):
        let_waits_pass()
        queue.fail(claim_one(), "Not now.", permanent=False)
    assert state() == State.DEAD


def test_a_failure_that_is_not_the_jobs_costs_no_attempt():
    put()
    for _ in range(10):
        let_waits_pass()
        queue.release([claim_one()], "The server is away.", delay=1)
    assert Job.objects.values_list("state", "attempts").get() == (State.READY, 0)


def test_a_nul_in_an_error_is_dropped():
    put()
    queue.fail(claim_one(), "a\0b", permanent=True)
    assert Job.objects.get().last_error == "ab"


def test_a_person_may_try_again():
    put()
    queue.fail(claim_one(), "no", permanent=True)
    assert care.retry_subject(1, kind="embed") == 1
    assert claim_one().attempts == 1


def test_what_a_newer_job_has_replaced_is_not_tried_again():
    put()
    queue.fail(claim_one(), "no", permanent=True)
    put()
    assert care.retry_subject(1) == 0


def test_a_cancelled_job_drops_its_result():
    put()
    held = claim_one()
    assert care.cancel([held.id]) == 1
    with pytest.raises(Fenced):
        queue.finish(held)


def test_only_replaced_jobs_are_pruned():
    put()
    queue.finish(claim_one())
    put()
    queue.finish(claim_one())
    Job.objects.update(finished_at="2020-01-01T00:00:00Z")
    assert care.prune() == 1
    assert overview.stages([1])[1]["embed"].state == State.DONE


def test_counts_are_of_one_team():
    put(job(1), job(2), job(3, team_id=2))
    assert overview.counts(1)["embed"][State.READY] == 2


def test_due_queues_are_those_with_work_now():
    put(job(1), job(2, queue="read", kind="read"))
    queue.release(queue.claim("read", limit=1), "later", delay=60)
    assert queue.due_queues() == ["embed"]


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_share_the_jobs_without_overlap():
    put(*(job(subject) for subject in range(200)))
    taken: list[int] = []

    def work() -> None:
        while claims := queue.claim("embed", limit=7):
            taken.extend(claim.subject for claim in claims)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(200))
