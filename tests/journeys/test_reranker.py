"""Qwen3-VL-Reranker: it reads the first hits, pictures among them, and puts them in its order."""

from __future__ import annotations

from tests.journeys.visitor import Visitor, titles

ASKED = "lanterns along some harbour wall"


def test_the_reranker_orders_what_was_found(vllm: Visitor) -> None:
    vllm.write("lanterns lanterns", "short")
    vllm.write(f"Along some harbour wall stand lanterns. {' '.join(f'filler{n}' for n in range(40))}", "long")
    plain = vllm.search(ASKED, mode="meaning", kind="text", rerank="false")
    assert all(why["channel"] != "reranker" for hit in plain["hits"] for why in hit["why"])
    found = vllm.search(ASKED, mode="meaning", kind="text")
    assert titles(found)[0] == "long"
    assert found["hits"][0]["why"][0]["channel"] == "reranker"
    assert found["hits"][0]["why"][0]["similarity"] > 0.9


def test_pictures_are_shown_to_it(vllm: Visitor) -> None:
    vllm.upload("red", "one.png")
    vllm.upload("blue", "two.png")
    vllm.search("a red picture to look at")
    asked = vllm.server.asked("/v1/rerank")[-1]
    assert asked["model"] == "Qwen/Qwen3-VL-Reranker-2B"
    assert "data:image/" in str(asked["documents"])


def test_without_it_the_search_answers_and_says_so(vllm: Visitor) -> None:
    vllm.write("lanterns lanterns", "short")
    vllm.write("Along some harbour wall stand lanterns.", "long")
    vllm.search(f"{ASKED} again", rerank="false")  # its vector is kept from now on
    vllm.server.fault = "500"
    try:
        found = vllm.search(f"{ASKED} again")
    finally:
        vllm.server.fault = None
    assert found["hits"]
    assert any(note.startswith("Not reranked: ") for note in found["notes"])
