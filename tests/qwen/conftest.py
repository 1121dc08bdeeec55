"""Tiny checkpoints, the reference server, and our own server with the same weights."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# `make test-qwen` runs these, in an environment of their own with torch, and torchvision for the reference alone.
if not (Path(sys.prefix) / "beside").exists():
    collect_ignore_glob = ["test_*.py"]
else:
    # The hub's cache of the tests: nobody's own, and read before transformers are imported.
    os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="searchsite-hub-")
    atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)
    pytest_plugins = ["tests.qwen.fixtures"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: a socket's may hold some hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="qwen") as directory:
        yield Path(directory) / "run" / "inference.sock"
