"""What the embedded Postgres does with what an earlier life left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.ops import postgres
from searchsite.ops.errors import CannotStart


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of a house whose database is there, but empty."""
    config = configuration.load().model_copy(update={"data_dir": tmp_path})
    postgres.data(config).mkdir()
    (postgres.data(config) / "PG_VERSION").write_text("18\n", encoding="ascii")
    return config


@pytest.mark.parametrize("content", ["of this process\n/elsewhere\n", "", "cut"])
def test_a_pid_file_that_postgres_would_stumble_over_is_removed(config: Config, content: str) -> None:
    file = postgres.data(config) / "postmaster.pid"
    file.write_text(content.replace("of this process", str(os.getpid())), encoding="ascii")
    postgres.prepare(config)
    assert not file.exists()


@pytest.mark.usefixtures("database_and_broker")
def test_a_database_that_already_runs_is_not_disturbed() -> None:
    running = configuration.load()
    with pytest.raises(CannotStart, match="already runs"):
        postgres.prepare(running)
    assert (postgres.data(running) / "postmaster.pid").exists()


def test_data_of_another_version_is_refused(config: Config) -> None:
    (postgres.data(config) / "PG_VERSION").write_text("16\n", encoding="ascii")
    with pytest.raises(CannotStart, match=r"of Postgres 16, and this is Postgres 18"):
        postgres.prepare(config)


def test_a_directory_that_is_no_database_is_refused(config: Config) -> None:
    (postgres.data(config) / "PG_VERSION").unlink()
    with pytest.raises(CannotStart, match="is not a database"):
        postgres.prepare(config)
