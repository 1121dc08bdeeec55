"""pytest plugin: the real servers of a test session, in a directory of its own, never the one of `make run`.

It is loaded with `-p tests.servers`, before Django's settings read the environment. The servers are started
on first use, end with the session, and are on a leash: a killed test run leaves none behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.ops import broker, household, places, postgres, process

STARTED_IN = "SEARCHSITE_TESTS_IN"
ELSEWHERE = ("DATABASE_URL", "BROKER_URL", "INFERENCE_URL", "INFERENCE_KEY", "SECRET_KEY", "PORT", "HOST")
# Durability costs half the run, and the data of a test session is thrown away.
IN_A_HURRY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Point the configuration at a fresh directory; a short one, since socket paths are limited."""
    fresh = Path(tempfile.mkdtemp(prefix="searchsite-tests-"))
    for name in ELSEWHERE:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ |= {"DATA_DIR": str(fresh / "data"), "MEDIA_ROOT": str(fresh / "media")}
    # All tests come from one address, and ask more than people do.
    os.environ |= {"VISITS_PER_MINUTE": "100000"}
    os.environ[STARTED_IN] = str(fresh)
    return (yield)


def pytest_unconfigure() -> None:
    """Remove the directory of this session."""
    fresh = os.environ.pop(STARTED_IN, None)
    if fresh:
        shutil.rmtree(fresh, ignore_errors=True)


def directory() -> Path:
    """Where this session keeps what it makes; a short path, since sockets lie below it."""
    return Path(os.environ[STARTED_IN])


def wait_until(ready: Callable[[], str | None], running: process.Running, seconds: float = 120) -> None:
    """Wait for a server to answer; show its last words when it ends or never does."""
    deadline = time.monotonic() + seconds
    while (wrong := ready()) is not None:
        if running.exit_code() is not None or time.monotonic() > deadline:
            name, words = running.program.name, process.last_lines(running.program.log)
            pytest.exit(f"The {name} of the tests did not start ({wrong}):\n{words}", returncode=3)
        time.sleep(0.05)


_database: list[process.Running] = []


@contextmanager
def database_and_broker() -> Iterator[None]:
    """The embedded Postgres and Valkey of this session."""
    config = configuration.load()
    places.make(config)
    postgres.prepare(config)
    bell = process.start(broker.program(config))
    try:
        _start_database(config)
        wait_until(lambda: broker.answers(config), bell)
        yield
    finally:
        bell.stop()
        _database.pop().stop()


def crash_the_database() -> None:
    """kill -9 to each of its processes, and a start on what they left; connections of this process are cut, too.

    Commits of the last moments are lost, unless they are made with `synchronous_commit`.
    """
    crashed = _database.pop()
    children = psutil.Process(crashed.pid).children(recursive=True)
    for one in [psutil.Process(crashed.pid), *children]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    crashed.kill_group()
    psutil.wait_procs(children, timeout=10)
    _start_database(configuration.load())


def _start_database(config: Config) -> None:
    postgres.prepare(config)
    _database.append(process.start(postgres.program(config, **IN_A_HURRY)))
    wait_until(lambda: postgres.answers(config), _database[-1])


@contextmanager
def inference_server() -> Iterator[Config]:
    """The inference server of this session."""
    config = configuration.load()
    places.make(config)
    running = process.start(household.mark(household.inference(config), household.environment(config, "tests")))
    try:
        wait_until(lambda: household.inference_answers(config), running)
        yield config
    finally:
        running.stop()
