"""Fixtures that every room's tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from searchsite.config import Config
from tests import house, servers


@pytest.fixture(scope="session")
def database_and_broker() -> Iterator[None]:
    """Start the session's Postgres and Valkey."""
    with servers.database_and_broker():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_and_broker: None) -> None:
    """Make pytest-django's database wait for the server."""


@pytest.fixture(scope="session")
def inference_server() -> Iterator[Config]:
    """Start the session's inference server with the built-in engine, where the configuration says it is."""
    with servers.inference_server() as config:
        yield config


@pytest.fixture(scope="session")
def running_house() -> Iterator[house.House]:
    """A whole running site, `manage.py up`: base_url, admin_password, token(), manage()."""
    with house.running(servers.directory() / "a house") as home:
        yield home
