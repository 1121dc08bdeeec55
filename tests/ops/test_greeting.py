"""What is said of the networks at the start."""

from __future__ import annotations

import pytest

from searchsite import config
from searchsite.indexing import spaces
from searchsite.ops import greeting
from tests.served import fake

__all__ = ["fake"]


def test_the_preset_and_each_stage_are_named_without_keys(monkeypatch):
    for name, value in {"PRESET": "openrouter", "INFERENCE_KEY": "sk-secret"}.items():
        monkeypatch.setenv(name, value)
    lines = list(greeting.networks(config.Config()))
    assert lines[0] == "Networks, PRESET=openrouter:"
    assert "  embed   qwen/qwen3-embedding-8b at openrouter.ai" in lines
    assert "  rerank  none" in lines
    assert "sk-secret" not in str(lines)


@pytest.mark.django_db
def test_what_answers_is_named_and_keys_that_nothing_needs(fake, monkeypatch):
    assert list(greeting.from_database()) == ["answering: nothing yet; configured: fake"]
    spaces.ensure_active()
    monkeypatch.setenv("EARLIER_KEYS", "127.0.0.1=sk-one,old.example=sk-two")
    config.load.cache_clear()
    said = list(greeting.from_database())
    assert said[0] == "answering: fake; configured: fake"
    assert said[1].startswith("EARLIER_KEYS has a key for old.example, but")
    assert greeting.among(["answering: older; configured: x", "Running migrations:", *said]) == said
