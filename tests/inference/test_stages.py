"""Which endpoint serves which stage, as the settings name it; and what does not fit together."""

from __future__ import annotations

import pytest

from searchsite import config
from searchsite.config import BadSettings
from searchsite.inference.stages import EMBEDDED, Stages, key_for, stages_from
from searchsite.ops import household

KEY = "sk-very-secret-key"


@pytest.fixture
def configured(monkeypatch):
    def load(**variables: str) -> config.Config:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        config.load.cache_clear()
        return config.load()

    yield load
    monkeypatch.undo()
    config.load.cache_clear()


def places(stages: Stages) -> list[str | None]:
    every = (stages.embed, stages.read, stages.caption, stages.rerank, stages.answer)
    return [None if one is None else "here" if one.is_local else one.url for one in every]


def test_without_any_setting_the_embedded_server_embeds_and_reads(configured):
    stages = stages_from(configured())
    assert places(stages) == ["here", "here", None, None, None]
    assert stages.embed.network == "builtin" and stages.embed.url == EMBEDDED


def test_openrouter_needs_nothing_but_a_key(configured):
    stages = stages_from(configured(PRESET="openrouter", INFERENCE_KEY=KEY))
    there = "https://openrouter.ai/api/v1"
    assert places(stages) == [there, "here", there, None, there]
    assert stages.caption is not None and stages.caption.network == "qwen/qwen3-vl-8b-instruct"
    assert stages.embed.dialect == "openrouter" and stages.embed.key is not None
    assert KEY not in repr(stages) + str(stages)


def test_each_stage_may_be_served_elsewhere(configured):
    stages = stages_from(
        configured(
            PRESET="vllm", EMBED_URL="http://a:1/v1", CAPTION_URL="http://b:2", RERANKER="R", RERANK_URL="http://c:3"
        )
    )
    assert places(stages) == ["http://a:1/v1", "here", "http://b:2", "http://c:3", None]
    assert {stages.embed.dialect, stages.rerank.dialect if stages.rerank else ""} == {"vllm"}


def test_a_key_goes_to_the_server_it_is_for_and_nowhere_else(configured):
    stages = stages_from(
        configured(PRESET="openrouter", INFERENCE_KEY=KEY, EMBED_URL="http://mine:8000", READER="none")
    )
    assert stages.embed.key is None and stages.embed.dialect == "openai"
    assert stages.answer is not None and stages.answer.key is not None


def test_a_known_host_tells_its_dialect(configured):
    stages = stages_from(
        configured(
            EMBEDDER="qwen3-vl-embedding",
            EMBED_URL="https://dashscope-intl.aliyuncs.com/api/v1",
            ANSWERER="qwen/qwen3-8b",
            ANSWER_URL="https://openrouter.ai/api/v1",
        )
    )
    assert stages.embed.dialect == "dashscope"
    assert stages.answer is not None and stages.answer.dialect == "openrouter"


def test_our_own_server_elsewhere_reads_by_the_name_it_embeds_with(configured):
    stages = stages_from(configured(INFERENCE_URL="http://other:9000", EMBEDDER="fake"))
    assert stages.read is not None and (stages.read.url, stages.read.network) == ("http://other:9000", "fake")
    stages = stages_from(configured(EMBED_URL="http://qwen:1"))
    assert stages.read is not None and stages.read.network == "builtin"


@pytest.mark.parametrize(
    ("variables", "starts"),
    [
        ({}, True),
        ({"INFERENCE_URL": "http://x:1"}, False),
        ({"PRESET": "qwen-local"}, True),
        ({"PRESET": "openrouter", "INFERENCE_KEY": KEY}, True),
        ({"PRESET": "openrouter", "INFERENCE_KEY": KEY, "READER": "captioner"}, False),
        ({"PRESET": "openrouter", "INFERENCE_KEY": KEY, "READER": "none"}, False),
        ({"PRESET": "openrouter", "INFERENCE_KEY": KEY, "READ_PICTURES": "false"}, False),
        ({"PRESET": "vllm", "INFERENCE_URL": "http://x:1", "READER": "none"}, False),
    ],
)
def test_the_embedded_server_is_started_where_any_stage_needs_it(configured, variables, starts):
    members = household.servers(configured(**variables))
    assert any(member.program.name == "inference server" for member in members) is starts


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PRESET": "vllm"}, "PRESET=vllm needs the address of a server: set EMBED_URL"),
        ({"PRESET": "gigarouter", "INFERENCE_KEY": KEY}, "PRESET=gigarouter needs the address of a server"),
        ({"PRESET": "openrouter"}, "PRESET=openrouter needs a key: set INFERENCE_KEY"),
        ({"EMBED_DIALECT": "vllm"}, "EMBED_DIALECT is what the server at EMBED_URL speaks: set EMBED_URL, too."),
        ({"CAPTION_KEY": KEY}, "CAPTION_KEY is what the server at CAPTION_URL wants to see: set CAPTION_URL, too."),
        ({"RERANK_URL": "http://x:1"}, "RERANK_URL is set, but no network to ask for there: set RERANKER."),
        ({"READER": "captioner"}, "READER=captioner needs a captioner"),
        ({"EARLIER_KEYS": KEY}, "EARLIER_KEYS is wrong: it must be host=key"),
        ({"EMBED_URL": "ftp://x"}, "EMBED_URL is wrong: it must begin with http:// or https://"),
        ({"EMBED_URL": "http://"}, "EMBED_URL is wrong: it must name a host"),
        ({"EMBED_URL": f"http://x/v1?key={KEY}"}, "EMBED_URL is wrong: it must name a host and a path"),
        (
            {"CAPTIONER": "q", "CAPTION_URL": "https://dashscope.aliyuncs.com/api/v1"},
            "CAPTIONER cannot be asked in 'dashscope': set CAPTION_DIALECT",
        ),
        (
            {"PRESET": "gigarouter", "INFERENCE_URL": "http://x:1", "RERANKER": "r"},
            "RERANKER cannot be asked in 'openai': set RERANK_DIALECT",
        ),
        ({"EMBED_DIALECT": "cohere"}, "EMBED_DIALECT is wrong"),
        ({"PRESET": "qwen"}, "PRESET is wrong"),
        ({"EMBED_DIMENSIONS": "63"}, "EMBED_DIMENSIONS is wrong"),
    ],
)
def test_what_does_not_fit_is_told_in_a_plain_sentence(configured, variables, sentence):
    with pytest.raises(BadSettings) as caught:
        configured(**variables)
    assert sentence in str(caught.value) and KEY not in str(caught.value)
    assert "pydantic" not in str(caught.value).lower()


def test_a_stage_is_switched_off_by_name_though_its_address_stays(configured):
    assert stages_from(configured(RERANKER="none", RERANK_URL="http://x:1", RERANK_DIALECT="vllm")).rerank is None


def test_the_key_of_an_earlier_server_is_found_by_its_host_alone(configured):
    loaded = configured(PRESET="openrouter", INFERENCE_KEY=KEY, EARLIER_KEYS=" Old.example=sk-old=, b:8000=sk-b ")
    found = {url: key_for(loaded, url) for url in ("https://old.example/v1", "http://b:8000", "http://b:8001")}
    assert [key and key.get_secret_value() for key in found.values()] == ["sk-old=", "sk-b", None]
    now = key_for(loaded, "https://openrouter.ai/api/v1")
    assert now is not None and now.get_secret_value() == KEY
    assert "sk-" not in repr(loaded)


def test_an_entry_without_a_port_is_for_any_port_of_its_host(configured):
    loaded = configured(EARLIER_KEYS="127.0.0.1=sk-any,127.0.0.1:9701=sk-one,old.example:443=sk-tls,::1=sk-six")
    urls = ("http://127.0.0.1:9702/v1", "http://127.0.0.1:9701", "https://old.example/v1", "http://[::1]:9", "http://b")
    found = [key_for(loaded, url) for url in urls]
    assert [key and key.get_secret_value() for key in found] == ["sk-any", "sk-one", "sk-tls", "sk-six", None]
