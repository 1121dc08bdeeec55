"""Qwen3-Embedding: a space of texts alone, in which a picture is found by what is said of it."""

from __future__ import annotations

from tests.journeys.visitor import Visitor, reasons, titles


def test_a_picture_is_found_by_its_content(openrouter: Visitor) -> None:
    for colour, name in (("red", "one.png"), ("blue", "two.png")):
        item = openrouter.upload(colour, name)
        assert colour in item["caption"]
    found = openrouter.search("something blue", mode="meaning")
    assert titles(found)[0] == "two"
    assert reasons(found["hits"][0]) == {"text"}
    assert found["space"] == "qwen/qwen3-embedding-8b"


def test_no_picture_is_sent_to_an_embedder_of_texts(openrouter: Visitor) -> None:
    openrouter.upload("green", "three.png")
    asked = openrouter.server.asked("/v1/embeddings")
    assert asked
    assert all("data:image" not in str(body) for body in asked)


def test_notes_are_found_across_words(openrouter: Visitor) -> None:
    openrouter.write("The spare keys hang behind the door of the boat house.", "keys")
    openrouter.write("Tulips want sun.", "tulips")
    assert titles(openrouter.search("where is the spare key", mode="meaning", kind="text"))[0] == "keys"
