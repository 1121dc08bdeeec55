"""Which networks our own server is to load, and what it says where it can't."""

from __future__ import annotations

import importlib.util

import pytest

from searchsite.config import Config
from searchsite.inference.local import CannotLoad, Local, local_from, open_desk

EMBEDDER = "Qwen/Qwen3-VL-Embedding-2B"


def test_the_built_in_preset_loads_nothing_else():
    assert local_from(Config()).networks == ()


def test_a_network_of_several_stages_is_loaded_once():
    config = Config(preset="qwen-local", captioner="/weights/vl", answerer="/weights/vl", reranker="none")
    found = dict(local_from(config).networks)
    assert found == {EMBEDDER: {"embed"}, "/weights/vl": {"caption", "answer"}}


def test_a_stage_that_answers_elsewhere_is_not_loaded():
    config = Config(preset="qwen-local", embed_url="http://gpu:8000", reranker="Qwen/Qwen3-VL-Reranker-2B")
    assert [name for name, _ in local_from(config).networks] == ["Qwen/Qwen3-VL-Reranker-2B"]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")
def test_without_torch_it_says_what_to_run():
    with pytest.raises(CannotLoad, match="needs torch and transformers; run `make qwen-local` once"):
        open_desk(Local(((EMBEDDER, frozenset({"embed"})),)))
