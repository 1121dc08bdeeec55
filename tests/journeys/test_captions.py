"""Qwen3-VL-8B-Instruct: what it says of a picture is shown, searched and read out."""

from __future__ import annotations

import html

import pytest

from tests.journeys.visitor import Visitor, titles


@pytest.mark.parametrize("house", ["vllm", "openrouter"])
def test_a_picture_is_described_and_found_by_its_description(house: str, request: pytest.FixtureRequest) -> None:
    visitor: Visitor = request.getfixturevalue(house)
    item = visitor.upload("purple", "four.png")
    assert item["caption"] == "A picture in purple."
    assert item["caption_by"] is not None
    assert "purple" in item["tags"]
    assert item["depicts"][0] == "illustration"
    assert titles(visitor.search('"picture in purple"', mode="words")) == ["four"]


def test_the_caption_is_the_pictures_alternative_text(vllm: Visitor) -> None:
    item = vllm.upload("purple", "four.png")
    assert 'alt="A picture in purple."' in html.unescape(vllm.page(f"/items/{item['id']}"))


def test_the_captioner_is_asked_for_json_with_a_small_picture(vllm: Visitor) -> None:
    vllm.upload("purple", "four.png")
    asked = [body for body in vllm.server.asked("/v1/chat/completions") if "response_format" in body]
    assert asked[-1]["response_format"]["type"] == "json_schema"
    assert asked[-1]["model"] == "Qwen/Qwen3-VL-8B-Instruct"
