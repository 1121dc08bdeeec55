"""Our client against the reference server, and our engine, give the vectors of the genuine classes."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from searchsite.inference.client import Client, Stages
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.types import EmbedInput, Message
from searchsite.inference.wire import EmbeddingsRequest, data_url
from tests.qwen import drawn
from tests.qwen.fixtures import READING, SEEING, at

CAT, BEACH = "A cat standing in the snow.", "A woman playing with her dog on a beach at sunset."
TEXTS = [CAT, BEACH, "quarterly figures", "Прибыль за квартал", "雪の中の猫", CAT * 40]
TEXT_COSINE, PICTURE_COSINE = 0.9999, 0.9998
NOISE = drawn.noise(517, 333)


def nearest(one: Any, other: Any) -> float:
    """The smallest cosine between rows of the same place."""
    return float((one * other).sum(axis=1).min())


def texts(client: Client, **how: Any) -> Any:
    return client.embed([EmbedInput(text) for text in TEXTS], **{"purpose": "document", **how}).vectors


def request_of(body: dict[str, Any]) -> EmbeddingsRequest:
    return EmbeddingsRequest.model_validate(body)


def ask(address: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def conversation(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    system = {"role": "system", "content": [{"type": "text", "text": "Represent the user's input."}]}
    return [system, {"role": "user", "content": list(parts)}]


@pytest.mark.parametrize("how", [{}, {"purpose": "query"}, {"instruction": "Find images matching this description"}])
def test_texts_agree_in_a_batch_and_under_instructions(reference_client, our_client, how):
    assert nearest(texts(reference_client, **how), texts(our_client, **how)) > TEXT_COSINE


def test_instructions_move_the_vector(our_client):
    assert nearest(texts(our_client), texts(our_client, purpose="query")) < 0.99


def test_a_batch_agrees_with_one_by_one(our_client):
    alone = [our_client.embed([EmbedInput(text)], purpose="document").vectors[0] for text in TEXTS]
    assert nearest(texts(our_client), np.stack(alone)) > TEXT_COSINE


@pytest.mark.parametrize("picture", [NOISE, drawn.ramp(64, 64), drawn.noise(320, 640, 3), drawn.noise(33, 31, 4)])
@pytest.mark.parametrize("text", [None, CAT])
def test_pictures_agree_alone_and_with_a_text(reference_client, our_client, picture, text):
    inputs = [EmbedInput(text, picture)]
    theirs, own = (client.embed(inputs, purpose="document").vectors for client in (reference_client, our_client))
    assert nearest(theirs, own) > PICTURE_COSINE


def test_pictures_among_texts_agree(reference_client, our_client):
    inputs = [EmbedInput(CAT), EmbedInput(None, NOISE), EmbedInput(BEACH, drawn.ramp(200, 96)), EmbedInput(BEACH)]
    theirs, own = (client.embed(inputs, purpose="document").vectors for client in (reference_client, our_client))
    assert nearest(theirs, own) > PICTURE_COSINE


def test_the_engine_resizes_a_picture_as_the_genuine_processor_does(seeing_reference, our_client):
    part = {"type": "image_url", "image_url": {"url": data_url(NOISE)}}
    flags = {"add_generation_prompt": True, "add_special_tokens": True}
    body = {"model": SEEING, "messages": conversation(part), **flags}
    (theirs,) = ask(seeing_reference, "/v1/embeddings", body)["data"]
    own = our_client.embed([EmbedInput(None, NOISE)], purpose="document").vectors
    assert nearest(np.array([theirs["embedding"]]), own) > PICTURE_COSINE


def test_without_the_flags_the_vector_is_another(seeing_reference):
    messages = conversation({"type": "text", "text": CAT})
    flags = {"add_generation_prompt": True, "add_special_tokens": True}
    bodies = ({"model": SEEING, "messages": messages, **one} for one in (flags, {}))
    right, wrong = (ask(seeing_reference, "/v1/embeddings", body)["data"][0]["embedding"] for body in bodies)
    assert nearest(np.array([right]), np.array([wrong])) < 0.9


@pytest.mark.parametrize("flags", [{}, {"add_generation_prompt": True}, {"add_special_tokens": True}])
def test_our_server_knows_the_flags_too(seeing_reference, desk, flags):
    off = {"add_generation_prompt": False, "add_special_tokens": False}
    body = {"model": SEEING, "messages": conversation({"type": "text", "text": CAT}), **off, **flags}
    theirs = ask(seeing_reference, "/v1/embeddings", body)["data"][0]["embedding"]
    own, _ = desk.embed(request_of(body), bool)
    assert nearest(np.array([theirs]), own) > TEXT_COSINE


def test_the_assistants_open_turn_is_the_same_prompt(desk):
    empty = {"role": "assistant", "content": [{"type": "text", "text": ""}]}
    turns = [*conversation({"type": "text", "text": CAT}), empty]
    body = {"model": SEEING, "messages": turns, "continue_final_message": True, "add_special_tokens": True}
    own, _ = desk.embed(request_of({**body, "add_generation_prompt": False}), bool)
    usual, _ = desk.embed(request_of({"model": SEEING, "messages": turns[:2]}), bool)
    assert nearest(own, usual) > 0.999999


@pytest.mark.parametrize("dimensions", [1, 16, 33, 64])
def test_short_vectors_agree_and_have_length_one(seeing_reference, desk, dimensions):
    body = {"model": SEEING, "input": [CAT, BEACH], "dimensions": dimensions}
    rows = sorted(ask(seeing_reference, "/v1/embeddings", body)["data"], key=lambda row: row["index"])
    own, _ = desk.embed(request_of(body), bool)
    assert own.shape == (2, dimensions) and nearest(np.array([row["embedding"] for row in rows]), own) > TEXT_COSINE
    np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=1e-6)


def test_short_vectors_agree_through_the_client(seeing_reference, ours):
    short = [replace(at(where, SEEING).embed, dimensions=24) for where in (seeing_reference, ours)]
    with Client(Stages(short[0])) as theirs, Client(Stages(short[1])) as own:
        found = texts(own)
        assert found.shape == (len(TEXTS), 24) and nearest(texts(theirs), found) > TEXT_COSINE


@pytest.mark.parametrize("instruction", [None, "Find the cat."])
def test_rankings_agree(reference_client, our_client, instruction):
    documents = [EmbedInput(BEACH), EmbedInput(None, NOISE), EmbedInput(CAT, drawn.ramp(96, 160)), EmbedInput(CAT)]
    how = {"instruction": instruction, "seconds": 60}
    theirs, own = (client.rerank(EmbedInput(CAT), documents, **how).scores for client in (reference_client, our_client))
    np.testing.assert_allclose(own, theirs, atol=1e-3)
    alone = [our_client.rerank(EmbedInput(CAT), [one], **how).scores[0] for one in documents]
    np.testing.assert_allclose(own, alone, atol=1e-5)
    assert max(own) - min(own) > 0.01


@pytest.mark.parametrize("pictures", [(), (drawn.ramp(320, 256),)])
def test_the_likeliest_answer_is_that_of_the_genuine_classes(reference_client, our_client, pictures):
    task = ChatTask("", [Message("system", BEACH), Message("user", CAT, pictures)], most_tokens=24)
    theirs, own = (client.chat("answer", task, seconds=60) for client in (reference_client, our_client))
    assert own.text and (own.text, own.finish) == (theirs.text, theirs.finish)


def test_texts_agree_with_a_network_that_reads_texts_alone(reading_reference, ours):
    with Client(at(reading_reference, READING)) as theirs, Client(at(ours, READING)) as own:
        for how in ({}, {"purpose": "query"}):
            assert nearest(texts(theirs, **how), texts(own, **how)) > TEXT_COSINE
        assert own.info().modalities == {"text"}
