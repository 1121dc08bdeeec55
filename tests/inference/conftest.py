"""The built-in engine, loaded once for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchsite.inference.builtin.engine import Engine


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def engine(cache: Path) -> Engine:
    return Engine(cache)
