"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation
from xdist.scheduler import LoadScopeScheduling

from searchsite.accounts import audit, budgets
from searchsite.accounts.models import ProviderCall, Usage
from searchsite.config import Config
from searchsite.indexing import calibration, fingerprints, holding, worker
from searchsite.jobs import turns
from searchsite.search import reranking
from tests import chromium, emptying, house, lasting, servers

IN_THE_RUNNING_HOUSE = {"ops/test_up.py", "journey/test_journey.py", "attacks/test_over_http.py"}


class Together(LoadScopeScheduling):
    """Gives one process what shares something dear, where several test: a file, and all that visits one house."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folder, _, name = file.rpartition("/")
        if f"{Path(folder).name}/{name}" in IN_THE_RUNNING_HOUSE:
            return lasting.RUNNING
        return folder if "/journeys/" in file else file

    def _assign_work_unit(self, node: Any) -> None:
        # Half of the processes begin with what waits for browsers and houses, half with what keeps a core busy: then
        # neither all wait nor all compute. What lasts comes first: else in the end all wait for one.
        waits = self.nodes.index(node) % 2 == 1
        queue = self.workqueue
        chosen = max(queue, key=lambda scope: lasting.rank(scope, len(queue[scope]), waits=waits))
        queue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: while one waits for a browser or a house, another computes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Not by marks of groups: where they are written, no version of pytest from 9.2 on looks."""
    return Together(config, log)


def pytest_configure() -> None:
    """Spare each test what costs most: a walk through all static files, rounds of hashing, and emptying all tables."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    emptying.quickly()


def pytest_sessionfinish() -> None:
    """End the browser that this process has started, if it has."""
    chromium.close()


@pytest.fixture(autouse=True)
def _a_process_that_remembers_nothing() -> None:
    """What a process keeps for some seconds of servers that were away or slow must not reach the next test."""
    worker._pauses.clear()
    holding._left.clear()
    fingerprints.forget()
    budgets.forget()
    audit.forget()
    reranking._resting.clear()
    calibration.forget()
    turns.forget()
    # A request leaves its language to its thread, and here that is the one of all tests.
    translation.deactivate()


@pytest.fixture
def nothing_used(db: None) -> None:
    """Begin without usage: threads of other tests may have committed what they used."""
    Usage.objects.all().delete()
    ProviderCall.objects.all().delete()


@pytest.fixture(scope="session")
def database_and_broker() -> Iterator[None]:
    """Start the session's Postgres and Valkey."""
    with servers.database_and_broker():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_and_broker: None) -> None:
    """Make pytest-django's database wait for the server."""


@pytest.fixture(autouse=True)
def _vector_tables_go_first(request: pytest.FixtureRequest, _django_db_marker: None) -> Iterator[None]:
    """Tests that commit end with a TRUNCATE, which Postgres refuses while vector tables refer to items."""
    # Set up before this fixture, they still give access to the database after its yield.
    for name in ("transactional_db", "db"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    yield
    if "_django_db_helper" in request.fixturenames and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'embedding\\_%'")
            for (table,) in cursor.fetchall():
                cursor.execute(f"DROP TABLE {table}")


@pytest.fixture(scope="session")
def inference_server() -> Iterator[Config]:
    """Start the session's inference server with the built-in engine, where the configuration says it is."""
    with servers.inference_server() as config:
        yield config


@pytest.fixture(scope="session")
def _the_house() -> Iterator[house.House]:
    with house.running(servers.directory() / "a house") as home:
        yield home


@pytest.fixture
def running_house(_the_house: house.House) -> house.House:
    """A whole running site, `manage.py up`: the one of this session, started again where a test has stopped it."""
    if _the_house.running.exit_code() is not None:
        _the_house.again()
    return _the_house
