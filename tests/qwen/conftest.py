"""Tiny checkpoints, the reference server, and our own server with the same weights."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# `make test-qwen` runs these, in an environment with torch.
if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    # The hub's cache of the tests: nobody's own, and read before transformers are imported.
    os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="searchsite-hub-")
    pytest_plugins = ["tests.qwen.fixtures"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: a socket's may hold some hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="qwen") as directory:
        yield Path(directory) / "run" / "inference.sock"
