"""Two houses for all journeys: one behind vLLM servers, one behind OpenRouter; both answer as recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import servers
from tests.journeys.visitor import KEY, Visitor, visiting

VLLM = {
    "PRESET": "vllm",
    "EMBED_URL": "{url}",
    "EMBED_KEY": KEY,
    "CAPTION_URL": "{url}",
    "CAPTION_KEY": KEY,
    "RERANKER": "Qwen/Qwen3-VL-Reranker-2B",
    "RERANK_URL": "{url}",
    "RERANK_KEY": KEY,
    "ANSWERER": "Qwen/Qwen3-8B",
    "ANSWER_URL": "{url}",
    "ANSWER_KEY": KEY,
}
OPENROUTER = {"PRESET": "openrouter", "INFERENCE_URL": "{url}", "INFERENCE_KEY": KEY}


@pytest.fixture(scope="session")
def vllm() -> Iterator[Visitor]:
    """Somebody at a house with the preset of vLLM, and every stage set as docs/models.md has it."""
    with visiting(servers.directory() / "vllm", "vllm", VLLM) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def openrouter() -> Iterator[Visitor]:
    """Somebody at a house with the preset of OpenRouter and a key, and nothing else."""
    with visiting(servers.directory() / "openrouter", "openrouter", OPENROUTER) as visitor:
        yield visitor
