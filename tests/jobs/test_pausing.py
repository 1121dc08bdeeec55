"""A stage that a person has paused: nothing of it is handed out, what runs is finished, and it outlives restarts."""

from __future__ import annotations

import pytest

from searchsite.jobs import pausing, queue
from searchsite.jobs.models import Job, StagePause, State
from tests.jobs.test_queue import claim_one, job, let_leases_run_out, put, state

pytestmark = pytest.mark.django_db


def test_a_paused_kind_is_not_handed_out():
    put(job(1), job(2, kind="read", queue="read"))
    pausing.pause("embed", by="alice", reason="The provider is down.")
    assert queue.claim("embed", limit=10) == []
    assert [one.subject for one in queue.claim("read", limit=10)] == [2]


def test_what_runs_is_finished():
    put()
    held = claim_one()
    pausing.pause("embed")
    assert queue.heartbeat([held]) == 1
    queue.finish(held)
    assert state() == State.DONE


def test_what_was_abandoned_waits_too():
    put()
    claim_one()
    let_leases_run_out()
    pausing.pause("embed")
    assert queue.claim("embed", limit=1) == []


def test_a_paused_queue_wakes_nobody():
    put()
    pausing.pause("embed")
    assert queue.due_queues() == []


def test_resuming_hands_it_out_again_and_wakes_the_workers(django_capture_on_commit_callbacks):
    put()
    pausing.pause("embed")
    with django_capture_on_commit_callbacks() as rung:
        assert pausing.resume("embed") is True
    assert len(rung) == 1
    assert claim_one().attempts == 1


def test_resuming_what_runs_does_nothing(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as rung:
        assert pausing.resume("embed") is False
    assert rung == []


def test_a_pause_says_who_and_why():
    pausing.pause("embed", by="alice", reason="  too\n dear\0 ")
    pausing.pause("embed", by="bob")
    said = StagePause.objects.get()
    assert (said.by, said.reason) == ("alice", "too dear")
    assert pausing.paused() == {"embed"} == set(pausing.pauses())


def test_jobs_still_come_in_while_it_is_paused():
    pausing.pause("embed")
    put()
    assert Job.objects.get().state == State.READY
