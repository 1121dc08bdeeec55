"""Workers and a clock of their own, on the tests' database: for tests that kill, stop and halt them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from django.db import connection

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.indexing import calibration, spaces, tables
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from searchsite.ops import broker, household, process
from searchsite.ops.process import Program, Running
from tests import servers
from tests.fake_inference import FakeInference

LEASE, SECONDS_TO_FINISH = 2, 90


class Crew:
    """A beat and three workers on a broker of their own; the dead are replaced, as a supervisor would."""

    def __init__(self, config: Config, environment: dict[str, str]) -> None:
        self.config, self.environment = config, environment
        self.broker = process.start(broker.program(config))
        servers.wait_until(lambda: broker.answers(config), self.broker)
        self.beat = self.start(household.beat(config))
        self.programs = [
            household.worker(config, "first", "care,decode,embed", 2),
            household.worker(config, "second", "care,decode,embed", 2),
            household.worker(config, "third", "embed,read", 1),
        ]
        self.workers = [self.start(program) for program in self.programs]

    def start(self, program: Program) -> Running:
        return process.start(replace(program, environment=self.environment))

    def restart_all(self) -> float:
        """Stop the workers in order, all at once, and start others; returns how long the stop took."""
        began = time.monotonic()
        for running in self.workers:
            running.ask_to_stop()
        for running in self.workers:
            running.process.wait(timeout=SECONDS_TO_FINISH)
        seconds = time.monotonic() - began
        self.workers = [self.start(program) for program in self.programs]
        return seconds

    def pool(self) -> list[psutil.Process]:
        """The processes of all workers that do the work."""
        return [child for running in self.workers for child in psutil.Process(running.pid).children()]

    def kill_a_worker(self, chosen: random.Random) -> None:
        """kill -9: a whole worker with its pool, or one process of a pool, or of a decoder."""
        place = chosen.randrange(len(self.workers))
        if chosen.random() < 0.4:
            self.workers[place].kill_group()
            self.workers[place] = self.start(self.programs[place])
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
def at_work(directory: Path, server: FakeInference) -> Iterator[Crew]:
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
        "LEASE_SECONDS": str(LEASE),
    }
    working = Crew(own, environment)
    try:
        yield working
    finally:
        working.stop()


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


def let_it_finish(seconds: float = SECONDS_TO_FINISH) -> None:
    """Wait until nothing waits or runs."""
    deadline = time.monotonic() + seconds
    while unfinished() and time.monotonic() < deadline:
        time.sleep(0.2)
