"""Tiny checkpoints, the reference server in a process of its own, and our server with the same weights."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from searchsite.config import ROOT
from searchsite.inference import local, server
from searchsite.inference.builtin.engine import Engine
from searchsite.inference.client import Client, Endpoint, Stages
from searchsite.inference.routes import Routes
from tests.qwen import checkpoints

SEEING, READING = "Qwen/Qwen3-VL-Embedding-2B", "Qwen/Qwen3-Embedding-0.6B"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
# The engine must do without torchvision; only the reference gets it.
BESIDE = Path(sys.prefix) / "beside"
EVERY = frozenset(local.STAGES)


def hub_copy(cache: Path, name: str) -> Path:
    """Where the Hugging Face hub's cache keeps a network of this name."""
    home = cache / "hub" / f"models--{name.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    (home / "snapshots" / COMMIT).mkdir(parents=True)
    return home / "snapshots" / COMMIT


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny checkpoints, under the names of the true ones in the hub's cache."""
    cache = Path(os.environ["HF_HOME"])
    return {
        SEEING: checkpoints.seeing(hub_copy(cache, SEEING)),
        READING: checkpoints.reading(hub_copy(cache, READING)),
    }


@contextmanager
def reference(path: Path, name: str) -> Iterator[str]:
    """The reference server with a checkpoint; yields its address."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{BESIDE}"}
    command = [sys.executable, "-m", "tests.qwen.reference_server", str(path), name]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert address, "the reference server did not start"
        try:
            yield address
        finally:
            running.kill()


@pytest.fixture(scope="session")
def seeing_reference(weights: dict[str, Path]) -> Iterator[str]:
    with reference(weights[SEEING], SEEING) as address:
        yield address


@pytest.fixture(scope="session")
def reading_reference(weights: dict[str, Path]) -> Iterator[str]:
    with reference(weights[READING], READING) as address:
        yield address


@pytest.fixture(scope="session")
def desk(weights: dict[str, Path]) -> Iterator[object]:
    """Both networks, loaded by our engine for every stage."""
    opened = local.open_desk(local.Local(tuple((name, EVERY) for name in weights), device="cpu"))
    yield opened
    opened.stop(20)


@pytest.fixture(scope="session")
def ours(desk: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Our server's socket."""
    with tempfile.TemporaryDirectory(prefix="qwen") as directory:
        routes = Routes(Engine(tmp_path_factory.mktemp("builtin")), local=desk)  # type: ignore[arg-type]
        with server.listening(Path(directory) / "inference.sock", routes) as place:
            assert isinstance(place, Path)
            yield place


def at(address: str | Path, name: str) -> Stages:
    """All stages at one network of a server: the reference by its URL, ours by its socket."""
    if isinstance(address, Path):
        endpoint = Endpoint("http://inference", address, name)
    else:
        endpoint = Endpoint(address, None, name, dialect="vllm")
    return Stages(embed=endpoint, caption=endpoint, rerank=endpoint, answer=endpoint)


@pytest.fixture(scope="session")
def reference_client(seeing_reference: str) -> Iterator[Client]:
    with Client(at(seeing_reference, SEEING)) as client:
        yield client


@pytest.fixture(scope="session")
def our_client(ours: Path) -> Iterator[Client]:
    with Client(at(ours, SEEING)) as client:
        yield client
