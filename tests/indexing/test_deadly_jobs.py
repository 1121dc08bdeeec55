"""A job that ends every worker that takes it up: it is buried, and costs no other job anything."""

from __future__ import annotations

import json
from typing import Any

import psutil
import pytest
from django.db.models import Max

from searchsite.jobs.models import Job
from searchsite.jobs.queue import MAX_DEATHS, WORKER_DIED
from tests import crew, figures, made, servers
from tests.fake_inference import FakeInference


class Deadly(FakeInference):
    """Whoever sends it one word is killed, as by a file that breaks the program that holds it."""

    word, killed = "deadly", 0

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.word in json.dumps(body):
            self.killed += self.kill(self.asking.port)
        return super().answer(path, body)

    def kill(self, port: int) -> bool:
        """kill -9 to the process at the other end of a connection."""
        ends = psutil.net_connections("tcp")
        pids = [one.pid for one in ends if one.laddr.port == port and one.pid not in (None, psutil.Process().pid)]
        for pid in pids:
            psutil.Process(pid).kill()
        return bool(pids)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("count", "lives"), [(60, 3), pytest.param(499, MAX_DEATHS, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_job_that_kills_its_workers_is_buried_and_all_others_are_done(count, lives):
    """F24: each death counts at the claim; its neighbours in a batch that died with it are tried again alone."""
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    with Deadly() as server, crew.at_work(servers.directory() / f"deadly-{count}", server) as working:
        made.note(place, "the first of all")
        crew.with_levels()
        for number in range(count):
            made.note(place, f"note number {number}")
        culprit = made.note(place, "the deadly one")
        Job.objects.filter(subject=culprit.pk).update(deaths=MAX_DEATHS - lives)
        crew.let_it_finish()
        assert all(running.exit_code() is None for running in working.workers), "a pool replaces what was killed"
    (dead,) = Job.objects.exclude(state="done")
    others = Job.objects.filter(state="done")
    figures.keep(
        1, f"F24-{count}", items=count, done=others.count() - 1, dead=1, killed=server.killed, charged=server.inputs
    )
    assert (dead.subject, dead.state, dead.last_error) == (culprit.pk, "dead", WORKER_DIED)
    assert dead.deaths == MAX_DEATHS and server.killed == lives
    assert others.count() == count + 1
    assert others.aggregate(most=Max("deaths"))["most"] <= 1
