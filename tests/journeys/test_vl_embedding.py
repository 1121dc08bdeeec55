"""Qwen3-VL-Embedding: words find pictures and pictures find pictures, in one space."""

from __future__ import annotations

from tests.journeys.visitor import KEY, Visitor, reasons, titles


def test_words_find_a_picture_by_what_is_on_it(vllm: Visitor) -> None:
    for colour, name in (("red", "one.png"), ("blue", "two.png"), ("green", "three.png")):
        vllm.upload(colour, name)
    found = vllm.search("something red", mode="meaning", rerank="false")
    assert titles(found)[0] == "one"
    assert "image" in reasons(found["hits"][0])
    assert found["space"] == "Qwen/Qwen3-VL-Embedding-8B"


def test_a_picture_finds_pictures(vllm: Visitor) -> None:
    vllm.upload("red", "one.png")
    vllm.upload("blue", "two.png")
    found = vllm.search(picture=vllm.show("blue"), mode="meaning", rerank="false")
    assert titles(found)[0] == "two"


def test_pictures_are_asked_for_as_the_network_needs_it(vllm: Visitor) -> None:
    vllm.upload("red", "one.png")
    asked = [body for body in vllm.server.asked("/v1/embeddings") if "messages" in body]
    assert asked
    assert all(body["add_generation_prompt"] and body["add_special_tokens"] for body in asked)
    assert all(body["messages"][0]["role"] == "system" for body in asked)


def test_the_key_is_nowhere_to_be_seen(vllm: Visitor) -> None:
    vllm.upload("red", "one.png")
    logs = [path.read_text(encoding="utf-8", errors="replace") for path in (vllm.home.data_dir / "log").iterdir()]
    assert all(KEY not in said for said in [*logs, vllm.home.said, vllm.page("/"), vllm.home.manage("doctor")])
