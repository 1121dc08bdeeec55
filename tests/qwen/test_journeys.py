"""By configuration alone: `manage.py serve_inference` with one set of weights for every stage, and the commands."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchsite.config import ROOT, Config
from searchsite.inference.client import Client
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import InferenceError
from searchsite.inference.stages import stages_from
from searchsite.inference.types import EmbedInput, Message
from tests.qwen import drawn
from tests.qwen.fixtures import COMMIT, READING, SEEING

CAT = "A cat standing in the snow."
SCHEMA = {"type": "object", "properties": {"caption": {"type": "string"}}}
EVERY_STAGE = {"PRESET": "qwen-local", "CAPTIONER": SEEING, "RERANKER": SEEING, "ANSWERER": READING}


def manage(command: str, *words: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), command, *words]


@pytest.fixture(scope="module")
def settings(weights) -> Iterator[dict[str, str]]:
    """The environment of a house whose inference server runs."""
    with tempfile.TemporaryDirectory(prefix="qwen") as directory:
        environment = {**os.environ, **EVERY_STAGE, "DATA_DIR": directory, "QWEN_DEVICE": "cpu"}
        environment["DJANGO_SETTINGS_MODULE"] = "searchsite.settings"
        log = Path(directory) / "said"
        with (
            log.open("w") as file,
            subprocess.Popen(manage("serve_inference"), env=environment, stderr=file) as running,
        ):
            socket = Config(data_dir=Path(directory)).inference_socket
            end = time.monotonic() + 90
            while not socket.exists():
                assert running.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
            yield environment
            running.terminate()
            assert running.wait(20) == 0


@pytest.fixture
def client(settings, monkeypatch) -> Iterator[Client]:
    for name in (*EVERY_STAGE, "DATA_DIR"):
        monkeypatch.setenv(name, settings[name])
    with Client(stages_from(Config())) as made:
        yield made


def test_it_embeds_texts_and_pictures(client):
    info = client.info()
    assert (info.name, info.revision, info.dimensions, info.mrl) == (SEEING, COMMIT[:12], 64, True)
    assert info.modalities == {"text", "image"}
    inputs = [EmbedInput(CAT), EmbedInput(None, drawn.ramp(96, 64)), EmbedInput(CAT, drawn.ramp(96, 64))]
    found = client.embed(inputs, purpose="document")
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert found.usage.tokens > 30 and (found.vectors @ found.vectors.T)[0, 1] < 0.99


def test_it_reranks_captions_and_answers(client):
    ranking = client.rerank(EmbedInput(CAT), [EmbedInput("snow"), EmbedInput(None, drawn.ramp(64, 64))], seconds=60)
    assert len(ranking.scores) == 2 and all(0 < score < 1 for score in ranking.scores)
    task = ChatTask("", [Message("user", CAT, (drawn.ramp(64, 64),))], most_tokens=12, schema=SCHEMA)
    assert client.chat("caption", task, seconds=60).finish == "length"
    with client.stream("answer", ChatTask("", [Message("user", CAT)], 12, thinking=False), seconds=60) as pieces:
        heard = list(pieces)
    assert heard[-1].finish in ("stop", "length") and heard[-1].usage.output_tokens <= 12


def test_it_reads_with_the_built_in_reader_beside(client):
    assert client.read([drawn.ramp(64, 64)])[0].text == ""


def test_it_refuses_what_a_network_is_not_configured_for(client):
    with pytest.raises(InferenceError, match="texts only"):
        task = ChatTask("", [Message("user", CAT, (drawn.ramp(64, 64),))], 12)
        client.chat("answer", task, seconds=60)
    assert sorted(client.networks("embed")) == sorted(["builtin", SEEING, READING])


def test_random_weights_do_not_answer_as_published(settings):
    done = subprocess.run(manage("verify_qwen"), env=settings, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1 and "fail     Qwen3-VL-Embedding-2B" in done.stdout
    assert "published 0.7896" in done.stdout and "Traceback" not in done.stderr


def test_verifying_starts_the_networks_where_no_server_runs(settings, tmp_path):
    environment = {**settings, "DATA_DIR": str(tmp_path), "RERANKER": "none", "CAPTIONER": "none", "ANSWERER": "none"}
    done = subprocess.run(
        manage("verify_qwen"), env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1 and "published 0.7896" in done.stdout, done.stderr


def test_a_start_without_weights_is_told_in_one_sentence(settings, tmp_path):
    environment = {**settings, "DATA_DIR": str(tmp_path), "EMBEDDER": "Qwen/Qwen3-VL-Embedding-8B"}
    done = subprocess.run(
        manage("serve_inference"), env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1 and "are not on this machine: fetch them with" in done.stderr
    assert "Traceback" not in done.stderr
