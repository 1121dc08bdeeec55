"""A garden with something of each kind in it, and everybody who might come to its doors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.crowd import Crowd
from tests.served import fake

__all__ = ["fake"]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> None:
    """Each test has its own folder of files."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What is refused is logged, and here that is nearly all."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def crowd(db, fake) -> Crowd:
    """The garden and its people."""
    return Crowd()
