"""Workers are stopped in order, or halted for longer than their leases: nothing is lost, nothing is done twice."""

from __future__ import annotations

import signal
import time

import pytest
from django.db.models import Max

from searchsite.jobs.models import Job, State
from searchsite.library.models import Item
from tests import crew, figures, house, made, servers
from tests.fake_inference import FakeInference

NOTES = 200
pytestmark = pytest.mark.django_db(transaction=True)


def put_in() -> None:
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    for number in range(NOTES):
        made.note(inbox, f"note number {number}")


def test_workers_that_are_asked_to_stop_finish_what_they_have_begun():
    with FakeInference() as server, crew.at_work(servers.directory() / "stopped", server) as working:
        server.delay = 0.5
        put_in()
        crew.with_levels()
        house.wait_until(lambda: server.inputs > 0)
        seconds = working.restart_all()
        held = Job.objects.filter(state=State.RUNNING).count()
        crew.let_it_finish()
        charged = server.inputs
    figures.keep(1, "stopped", items=NOTES, inputs_charged=charged, seconds_to_stop=round(seconds, 1))
    assert held == 0, "nobody need wait for a lease"
    assert seconds < 25
    assert set(crew.rows_by_item().values()) == {1} and len(crew.rows_by_item()) == NOTES
    assert charged == NOTES
    assert not Job.objects.filter(deaths__gt=0).exists()


def test_what_a_halted_worker_has_to_say_later_is_dropped():
    with FakeInference() as server, crew.at_work(servers.directory() / "halted", server) as working:
        server.delay = 0.5
        put_in()
        crew.with_levels()
        house.wait_until(lambda: server.inputs > 0)
        halted = working.pool()
        for one in halted:
            one.send_signal(signal.SIGSTOP)
        time.sleep(crew.LEASE + 1.5)
        held = Job.objects.filter(state=State.RUNNING).count()
        # Others, who find the leases run out.
        working.workers += [working.start(working.programs[2])]
        house.wait_until(lambda: Job.objects.filter(deaths=1, state=State.DONE).exists())
        for one in halted:
            one.send_signal(signal.SIGCONT)
        crew.let_it_finish()
        charged = server.inputs
    figures.keep(1, "halted", items=NOTES, held=held, inputs_charged=charged)
    assert held > 0
    assert set(crew.rows_by_item().values()) == {1}
    assert set(crew.rows_by_item()) == set(Item.objects.values_list("pk", flat=True))
    assert not Job.objects.exclude(state=State.DONE).exists()
    assert charged <= NOTES + held
    assert Job.objects.aggregate(most=Max("deaths"))["most"] == 1
