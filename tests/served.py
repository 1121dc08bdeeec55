"""Fixtures: an inference server that is a fake, and this process's client pointed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from searchsite import config
from searchsite.indexing import provider
from tests.fake_inference import FakeInference


def _forget() -> None:
    provider.forget()
    config.load.cache_clear()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInference]:
    """The inference server of this test."""
    with FakeInference() as server:
        monkeypatch.setenv("INFERENCE_URL", server.url)
        monkeypatch.setenv("EMBEDDER", server.embedder)
        _forget()
        yield server
        _forget()
    monkeypatch.undo()
    config.load.cache_clear()
