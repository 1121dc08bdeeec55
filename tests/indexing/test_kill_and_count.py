"""Workers die again and again, and so do the broker and the database; still each item is done, and done once."""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import connection

from searchsite.indexing import plan
from searchsite.jobs.models import Job
from searchsite.library import intake
from searchsite.library.models import Item
from tests import crew, figures, made, servers
from tests.fake_inference import FakeInference

# A worker has so many calls on their way, each of so many inputs; the crew has so many processes that embed.
IN_FLIGHT, PROCESSES = plan.BATCH[plan.EMBED], 5
SECONDS_FOR_A_DECODER = 20


def put_in(place: intake.Place, first: int, count: int) -> None:
    """Mostly notes, every fifth a picture; no two alike."""
    for number in range(first, first + count):
        if number % 5:
            made.note(place, f"note number {number}")
        else:
            data = made.drawn("navy", f"picture {number}")
            intake.add_file(io.BytesIO(data), f"{number}.jpg", into=place)


@dataclass(frozen=True)
class Trial:
    """How much is put in, and what befalls it meanwhile."""

    name: str
    items: int
    kills: int
    crashes: int
    losses: int
    pause: tuple[float, float]

    def falls(self, kill: int, times: int) -> bool:
        """Whether one of so many, spread evenly, falls on this kill; never on the first."""
        return (kill + 1) * times // self.kills > kill * times // self.kills


SHORT = Trial("short", items=500, kills=20, crashes=2, losses=2, pause=(0.1, 0.4))
LONG = Trial("long", items=2000, kills=200, crashes=10, losses=10, pause=(0.4, 1.2))


@pytest.fixture
def commits_last(transactional_db) -> Iterator[None]:
    """Let a commit be on its way to the disk before it is told, as it is in a house."""
    _let_commits_last("on")
    yield
    _let_commits_last("off")


def _let_commits_last(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET synchronous_commit TO {value}')
        cursor.execute("CHECKPOINT")
    connection.close()


def befall(working: crew.Crew, place: intake.Place, trial: Trial, chosen: random.Random) -> int:
    """Put everything in while all this happens; returns how many decoders were killed."""
    decoders = 0
    for kill in range(trial.kills):
        first, end = (number * trial.items // trial.kills for number in (kill, kill + 1))
        put_in(place, first, end - first)
        time.sleep(chosen.uniform(*trial.pause))
        if kill % 3 == 0:
            decoders += working.kill_the_decoders(patience=0 if decoders else SECONDS_FOR_A_DECODER)
        working.kill_a_worker(chosen)
        if trial.falls(kill, trial.losses):
            working.lose_the_broker()
        if trial.falls(kill, trial.crashes):
            servers.crash_the_database()
            connection.close()
    return decoders


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "trial",
    [SHORT, pytest.param(LONG, marks=[pytest.mark.long, pytest.mark.timeout(1500)])],
    ids=lambda trial: trial.name,
)
def test_each_item_is_done_once_through_kills_crashes_of_the_database_and_losses_of_the_broker(trial, commits_last):
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    with FakeInference() as server, crew.at_work(servers.directory() / f"crew-{trial.name}", server) as working:
        server.delay = 0.05
        put_in(place, 0, 1)
        crew.with_levels()
        began = time.monotonic()
        decoders = befall(working, place, trial, random.Random(7))
        crew.let_it_finish()
        seconds, charged = time.monotonic() - began, server.inputs
    rows, pictures = crew.rows_by_item(), trial.items // 5
    needed = (trial.items - pictures) + 3 * pictures
    states = Counter(Job.objects.values_list("state", flat=True))
    items = set(Item.objects.values_list("pk", flat=True))
    figures.keep(
        1,
        trial.name,
        items=len(items),
        done=len(set(rows) & items),
        lost=len(items - set(rows)) + trial.items - len(items),
        dead=states["dead"],
        worker_kills=trial.kills,
        decoder_kills=decoders,
        database_crashes=trial.crashes,
        broker_losses=trial.losses,
        inputs_needed=needed,
        inputs_charged=charged,
        seconds=round(seconds),
    )
    assert decoders > 0
    assert list(Job.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []
    # The first of all, a picture, is put in twice, and is one item.
    assert set(rows) == items and len(items) == trial.items
    assert sum(rows.values()) == needed
    assert charged <= needed + (trial.kills + trial.crashes * PROCESSES) * IN_FLIGHT
