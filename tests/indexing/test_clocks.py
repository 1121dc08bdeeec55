"""Clocks that are wrong by an hour: nobody works too early, too late, or twice, and each worker hears its doorbell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.db import connection, transaction

from searchsite import config as configuration
from searchsite.indexing import calibration, plan, spaces
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job, State
from searchsite.ops import broker, household, process
from tests import figures, made, servers
from tests.fake_inference import FakeInference

HOUR, NOTES, LATER = 3600, 40, 5
WRONG = Path(__file__).parent.parent / "wrong_clock"

ASK = """
import sys
from searchsite.inference.client import Client
from searchsite.inference.errors import InferenceError
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput

here = Endpoint(sys.argv[1], None, "fake", None)
try:
    Client(Stages(here, here, here, here, here)).embed([EmbedInput("a")], purpose="document")
except InferenceError as error:
    print(error.retry_after)
"""


def clock(shift: int) -> dict[str, str]:
    return {"PYTHONPATH": str(WRONG), "CLOCK_SHIFT": str(shift)}


def test_such_a_process_sees_another_time():
    script = "import time, datetime; print(time.time(), datetime.datetime.now(datetime.UTC).timestamp())"
    environment = {**os.environ, **clock(HOUR)}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert all(HOUR - 60 < float(moment) - time.time() < HOUR + 60 for moment in ran.stdout.split())


@contextmanager
def workers(directory: Path, server: FakeInference) -> Iterator[None]:
    """A clock that is right, an embedding worker that is an hour ahead, and a decoding one that is an hour behind."""
    home = configuration.load()
    own = home.model_copy(update={"data_dir": directory, "log_level": "WARNING"})
    own.socket_dir.mkdir(mode=0o700, parents=True)
    environment = {
        "DATA_DIR": str(directory),
        "MEDIA_ROOT": str(home.media_root),
        "DATABASE_URL": f"host={home.socket_dir} user=searchsite dbname={connection.settings_dict['NAME']}",
        "INFERENCE_URL": server.url,
        "EMBEDDER": server.embedder,
        "LEASE_SECONDS": "3",
    }
    programs = [
        (household.beat(own), {}),
        (household.worker(own, "ahead", "care,embed", 2), clock(HOUR)),
        (household.worker(own, "behind", "decode,read", 1), clock(-HOUR)),
    ]
    bell = process.start(broker.program(own))
    servers.wait_until(lambda: broker.answers(own), bell)
    running = [process.start(replace(program, environment=environment | more)) for program, more in programs]
    try:
        yield
    finally:
        for one in [*running, bell]:
            one.kill_group()


def wait(true: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, list(Job.objects.values_list("kind", "state", "last_error"))
        time.sleep(0.1)


def is_done() -> bool:
    return not Job.objects.filter(state__in=[State.READY, State.RUNNING]).exists()


def set_aside(what: str, items: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE job SET {what} WHERE subject = ANY(%s)", [items])


@pytest.mark.django_db(transaction=True)
def test_workers_whose_clocks_are_an_hour_off_do_each_thing_once_and_in_time():
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    with FakeInference() as server, workers(servers.directory() / "clocks", server):
        with transaction.atomic():
            held = made.picture(place)
            lease = "lease_until = statement_timestamp() + interval '4 seconds'"
            set_aside(f"state = 'running', attempts = 1, token = token + 1, {lease}", [held.pk])
        began = time.monotonic()
        decoded = Job.objects.filter(subject=held.pk, kind=plan.DECODE, state=State.DONE)
        wait(decoded.exists)
        # Neither stolen by a clock that is ahead, nor waited for by one that is behind.
        assert 3.5 < time.monotonic() - began < 40
        assert decoded.values_list("attempts", "deaths").get() == (2, 1)
        wait(lambda: spaces.active() is not None and is_done() and Job.objects.filter(kind="embed").exists())
        level = {"of": {"rule": calibration.RULE, "vectors": 10**9}}
        Space.objects.update(calibration=level)
        time.sleep(1)
        server.delay = 1.5
        # Due in half an hour: by the clock that is ahead, half an hour ago.
        with transaction.atomic():
            later = [made.note(place, f"later {number}").pk for number in range(LATER)]
            set_aside("run_at = statement_timestamp() + interval '30 minutes'", later)
        for number in range(NOTES):
            made.note(place, f"note number {number}")
        open_jobs = Job.objects.exclude(subject__in=later).filter(state__in=[State.READY, State.RUNNING])
        wait(lambda: not open_jobs.exists())
        # What else is asked is each process's own look at whether the network is still the same.
        charged = json.dumps(server.requests).count("note number ")
        waiting = Job.objects.filter(subject__in=later, state=State.READY, attempts=0).count()
    notes = Job.objects.filter(kind="embed").exclude(subject__in=[*later, held.pk])
    assert set(notes.values_list("state", "attempts", "deaths")) == {("done", 1, 0)}
    assert (notes.count(), charged, waiting) == (NOTES, NOTES, LATER)
    figures.keep(6, "clock", seconds_off=HOUR, jobs=NOTES, extra_calls=charged - NOTES, early=LATER - waiting)


def test_a_date_until_which_a_provider_is_left_alone_is_read_by_its_own_clock():
    with FakeInference() as server:
        server.fault = "429"
        server.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        for shift in (HOUR, -HOUR):
            environment = {**os.environ, **clock(shift)}
            ran = subprocess.run(
                [sys.executable, "-c", ASK, server.url], env=environment, capture_output=True, text=True, check=True
            )
            assert 60 < float(ran.stdout) <= 90, ran.stderr
