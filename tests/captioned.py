"""Fixtures: the fake inference server captions, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from searchsite import config
from searchsite.indexing import provider
from tests.fake_chat import CAPTION
from tests.fake_inference import CHAT, FakeInference
from tests.served import fake

__all__ = ["captioner", "fake"]
EYES = "Qwen/Qwen3-VL-8B-Instruct"


def settings(server: FakeInference) -> dict[str, str]:
    """What turns the captioner on."""
    return {"CAPTIONER": EYES, "CAPTION_URL": server.url, "CAPTION_DIALECT": "vllm"}


def read_settings_anew() -> None:
    provider.forget()
    config.load.cache_clear()


@pytest.fixture
def captioner(fake: FakeInference, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInference]:
    """The inference server of this test, with a captioner that is asked about one picture at a time."""
    fake.networks = (EYES,)
    for name, value in (settings(fake) | {"CAPTIONS_AT_ONCE": "1"}).items():
        monkeypatch.setenv(name, value)
    read_settings_anew()
    yield fake
    read_settings_anew()


def says(server: FakeInference, **changes: Any) -> None:
    """Let the captioner say this of every picture."""
    server.reply = lambda body: json.dumps(CAPTION | changes)


def questions(server: FakeInference) -> list[dict[str, Any]]:
    """What the captioner was asked."""
    return server.asked(CHAT)


def pictured(question: dict[str, Any]) -> str:
    """The address of the picture that a question is about, which holds it; empty where it is about none."""
    found = re.search(r'"url": "(data:[^"]+)"', json.dumps(question))
    return found.group(1) if found else ""
