"""Workers die again and again, and so do the broker and the database; still each item is done, and done once."""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from django.db import connection

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.indexing import calibration, plan, spaces, tables
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from searchsite.library import intake
from searchsite.library.models import Item
from searchsite.ops import broker, household, process
from searchsite.ops.process import Program, Running
from tests import figures, made, servers
from tests.fake_inference import FakeInference

# A worker has so many calls on their way, each of so many inputs; the crew has so many processes that embed.
IN_FLIGHT, PROCESSES = plan.BATCH[plan.EMBED], 5
SECONDS_TO_FINISH = 90
SECONDS_FOR_A_DECODER = 20


class Crew:
    """A beat and three workers on a broker of their own; the dead are replaced, as a supervisor would."""

    def __init__(self, config: Config, environment: dict[str, str]) -> None:
        self.config, self.environment = config, environment
        self.broker = process.start(broker.program(config))
        servers.wait_until(lambda: broker.answers(config), self.broker)
        self.beat = self._start(household.beat(config))
        self.programs = [
            household.worker(config, "first", "care,decode,embed", 2),
            household.worker(config, "second", "care,decode,embed", 2),
            household.worker(config, "third", "embed,read", 1),
        ]
        self.workers = [self._start(program) for program in self.programs]

    def _start(self, program: Program) -> Running:
        return process.start(replace(program, environment=self.environment))

    def kill_a_worker(self, chosen: random.Random) -> None:
        """kill -9: a whole worker with its pool, or one process of a pool, or of a decoder."""
        place = chosen.randrange(len(self.workers))
        if chosen.random() < 0.4:
            self.workers[place].kill_group()
            self.workers[place] = self._start(self.programs[place])
            return
        pool = psutil.Process(self.workers[place].pid).children(recursive=True)
        if pool:
            chosen.choice(pool).kill()

    def kill_the_decoders(self, *, patience: float) -> int:
        """kill -9 to all that run, once there are any: a new worker starts its own at the first picture."""
        deadline = time.monotonic() + patience
        while not (found := self._decoders()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for decoder in found:
            with suppress(psutil.NoSuchProcess):
                decoder.kill()
        return len(found)

    def _decoders(self) -> list[psutil.Process]:
        found = []
        for worker in self.workers:
            for child in psutil.Process(worker.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if "searchsite.library.decoder" in child.cmdline():
                        found.append(child)
        return found

    def lose_the_broker(self) -> None:
        """It comes back empty, since it keeps nothing on disk."""
        self.broker.kill_group()
        time.sleep(1)
        self.broker = process.start(broker.program(self.config))

    def stop(self) -> None:
        for running in [*self.workers, self.beat, self.broker]:
            running.kill_group()


@contextmanager
def crew(directory: Path, server: FakeInference) -> Iterator[Crew]:
    """Workers on the tests' database, with leases of two seconds."""
    home = configuration.load()
    own = home.model_copy(update={"data_dir": directory, "log_level": "WARNING"})
    own.socket_dir.mkdir(mode=0o700, parents=True)
    database = connection.settings_dict["NAME"]
    environment = {
        "DATA_DIR": str(directory),
        "MEDIA_ROOT": str(home.media_root),
        "DATABASE_URL": f"host={home.socket_dir} user=searchsite dbname={database}",
        "INFERENCE_URL": server.url,
        "EMBEDDER": server.embedder,
        "LEASE_SECONDS": "2",
    }
    working = Crew(own, environment)
    try:
        yield working
    finally:
        working.stop()


def put_in(place: intake.Place, first: int, count: int) -> None:
    """Mostly notes, every fifth a picture; no two alike."""
    for number in range(first, first + count):
        if number % 5:
            made.note(place, f"note number {number}")
        else:
            data = made.drawn("navy", f"picture {number}")
            intake.add_file(io.BytesIO(data), f"{number}.jpg", into=place)


def unfinished() -> int:
    return Job.objects.filter(state__in=["ready", "running"]).count()


def rows_by_item() -> dict[int, int]:
    space = spaces.active()
    assert space is not None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT item_id, count(*) FROM {tables.name(space.pk)} GROUP BY item_id")
        return dict(cursor.fetchall())


def with_levels() -> None:
    """A space that is calibrated for good: what that embeds is not counted here."""
    until = time.monotonic() + SECONDS_TO_FINISH
    while (space := spaces.active()) is None:
        assert time.monotonic() < until
        time.sleep(0.1)
    Space.objects.filter(pk=space.pk).update(calibration={"of": {"rule": calibration.RULE, "vectors": 10**9}})


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


def befall(working: Crew, place: intake.Place, trial: Trial, chosen: random.Random) -> int:
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


def let_it_finish(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while unfinished() and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "trial",
    [SHORT, pytest.param(LONG, marks=[pytest.mark.long, pytest.mark.timeout(1500)])],
    ids=lambda trial: trial.name,
)
def test_each_item_is_done_once_through_kills_crashes_of_the_database_and_losses_of_the_broker(trial, commits_last):
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    with FakeInference() as server, crew(servers.directory() / f"crew-{trial.name}", server) as working:
        server.delay = 0.05
        put_in(place, 0, 1)
        with_levels()
        began = time.monotonic()
        decoders = befall(working, place, trial, random.Random(7))
        let_it_finish(SECONDS_TO_FINISH)
        seconds, charged = time.monotonic() - began, server.inputs
    rows, pictures = rows_by_item(), trial.items // 5
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
