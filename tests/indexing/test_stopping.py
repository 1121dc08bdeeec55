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


def under_way(server: FakeInference) -> None:
    """Put everything in, and wait until the workers are at it."""
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    made.note(inbox, "note number 0")
    crew.with_levels()
    crew.let_it_finish()
    server.delay = 1.5
    for number in range(1, NOTES):
        made.note(inbox, f"note number {number}")
    house.wait_until(lambda: Job.objects.filter(state=State.RUNNING).count() > 50)


def charged(server: FakeInference) -> int:
    """How many notes were sent to be embedded, each as often as it was."""
    texts = [text for request in server.asked("/v1/embeddings") for text in request.get("input", ())]
    return sum(text.startswith("note number") for text in texts)


def test_workers_that_are_asked_to_stop_finish_what_they_have_begun():
    with FakeInference() as server, crew.at_work(servers.directory() / "stopped", server) as working:
        under_way(server)
        seconds = working.restart_all()
        held = Job.objects.filter(state=State.RUNNING).count()
        crew.let_it_finish()
        sent = charged(server)
    figures.keep(1, "stopped", items=NOTES, inputs_charged=sent, seconds_to_stop=round(seconds, 1))
    assert held == 0, "nobody need wait for a lease"
    assert seconds < 25
    assert set(crew.rows_by_item().values()) == {1} and len(crew.rows_by_item()) == NOTES
    assert sent == NOTES
    assert not Job.objects.filter(deaths__gt=0).exists()


def test_what_a_halted_worker_has_to_say_later_is_dropped():
    with FakeInference() as server, crew.at_work(servers.directory() / "halted", server) as working:
        under_way(server)
        halted = working.pool()
        for one in halted:
            one.send_signal(signal.SIGSTOP)
        time.sleep(crew.LEASE + 1.5)
        held = Job.objects.filter(state=State.RUNNING).count()
        # Others, who find the leases run out.
        working.workers += [working.start(working.programs[0])]
        house.wait_until(lambda: Job.objects.filter(deaths=1, state=State.DONE).exists())
        for one in halted:
            one.send_signal(signal.SIGCONT)
        crew.let_it_finish()
        sent = charged(server)
    figures.keep(1, "halted", items=NOTES, held=held, inputs_charged=sent)
    assert held > 0
    assert set(crew.rows_by_item().values()) == {1}
    assert set(crew.rows_by_item()) == set(Item.objects.values_list("pk", flat=True))
    assert not Job.objects.exclude(state=State.DONE).exists()
    assert sent <= NOTES + held
    assert Job.objects.aggregate(most=Max("deaths"))["most"] == 1
