"""Fixtures: an inference server that is a fake, and this process's client pointed at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from searchsite import config
from searchsite.indexing import provider
from tests.fake_inference import FakeInference

Server = TypeVar("Server", bound=FakeInference)


def _forget() -> None:
    provider.forget()
    config.load.cache_clear()


@contextmanager
def serving(fresh: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start a fake, with this process's client pointed at it."""
    with fresh:
        monkeypatch.setenv("INFERENCE_URL", fresh.url)
        monkeypatch.setenv("EMBEDDER", fresh.embedder)
        _forget()
        yield fresh
        _forget()
    monkeypatch.undo()
    config.load.cache_clear()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInference]:
    """The inference server of this test."""
    with serving(FakeInference(), monkeypatch) as server:
        yield server
