"""`manage.py doctor`: a table for people, JSON for scripts, a status for both; no key anywhere."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.house import MANAGE, ROOT
from tests.knowing import Knowing

VL, TEXT = "Qwen/Qwen3-VL-Embedding-2B", "qwen/qwen3-embedding-8b"
KEY = "sk-or-v1-not-to-be-seen"


def doctor(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing behind it but the servers that the settings name."""
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "BROKER_URL": "redis://127.0.0.1:1"}
    environment = {**os.environ, **nowhere, "READER": "none", **settings}
    return subprocess.run(
        [*MANAGE, "doctor", *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def vllm():
    with Knowing(VL) as server:
        yield server


def settings_for(server: Knowing, **more: str) -> dict[str, str]:
    return {"PRESET": "vllm", "EMBED_URL": server.url, "EMBEDDER": server.embedder, "CAPTIONER": "none", **more}


def test_a_good_embedder_passes_without_a_database(vllm):
    done = doctor(**settings_for(vllm))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["stage", "what", "is", "found"]
    assert any(line.startswith("embed  related picture") and "  ok  " in line for line in lines)
    assert lines[-1].endswith("all is well.")
    assert "\x1b" not in done.stdout


def test_a_wrong_template_ends_with_status_one_and_what_to_do(vllm):
    vllm.wrong = "template"
    done = doctor(**settings_for(vllm))
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "vllm serve Qwen/Qwen3-VL-Embedding-2B --runner pooling" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_an_unknown_network_is_refused_with_what_there_is(vllm):
    done = doctor(**settings_for(vllm) | {"EMBEDDER": "Qwen/Qwen3-VL-Embedding-9B"})
    assert done.returncode == 1
    assert VL in done.stdout


def test_no_key_is_printed(vllm):
    vllm.key = "another"
    vllm.fault = "echo_key"
    for words in ([], ["--json"]):
        done = doctor(*words, **settings_for(vllm, EMBED_KEY=KEY))
        assert done.returncode == 1
        assert KEY not in done.stdout + done.stderr


def test_scripts_get_json_of_the_stages_they_name(vllm):
    done = doctor("--json", "--stage", "embed", **settings_for(vllm, RERANKER="x", RERANK_URL="http://127.0.0.1:1"))
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert {row["stage"] for row in found["rows"]} == {"embed"}
    assert set(found["rows"][0]) == {"stage", "subject", "outcome", "found", "advice"}


def test_json_tells_of_a_server_that_is_away():
    done = doctor("--json", PRESET="vllm", EMBED_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["subject"], row["outcome"]) == ("reachable", "fail")


def test_ones_own_servers_cost_nothing():
    with Knowing(TEXT) as server:
        server.networks = ("qwen/qwen3-vl-8b-instruct",)
        captions = {"CAPTIONER": "qwen/qwen3-vl-8b-instruct", "CAPTION_URL": server.url}
        done = doctor(**settings_for(server) | captions)
    own = [line for line in done.stdout.splitlines() if "1,000 pictures" in line]
    assert len(own) == 2 and all("$0.00" in line for line in own)


def test_it_says_what_a_thousand_pictures_cost_by_the_prices_that_are_set():
    with Knowing(TEXT) as server:
        server.networks = ("qwen/qwen3-vl-8b-instruct",)
        captions = {"CAPTIONER": "qwen/qwen3-vl-8b-instruct", "CAPTION_URL": server.url}
        hosted = {TEXT: {"input": 0.01}, "qwen/qwen3-vl-8b-instruct": {"input": 0.08, "output": 0.5}}
        done = doctor(PRICES=json.dumps(hosted), **settings_for(server) | captions)
    costs = [line for line in done.stdout.splitlines() if "1,000 pictures" in line]
    assert "$0.0025" in costs[0]
    assert "$0.21" in costs[1]


def test_settings_that_cannot_be_are_one_sentence():
    done = doctor(PRESET="vllm")
    assert done.returncode == 1
    assert "EMBED_URL" in done.stderr
    assert "Traceback" not in done.stderr
