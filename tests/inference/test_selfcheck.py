"""Networks that are what they should be pass; each way of being wrong is told, with what to do about it."""

from __future__ import annotations

import json

import pytest

from searchsite.inference import selfcheck
from searchsite.inference.client import Client
from searchsite.inference.stages import Endpoint, Stages
from tests.fake_inference import OTHER_FAULTS, VECTOR_FAULTS, FakeInference
from tests.knowing import Knowing

VL, TEXT = "Qwen/Qwen3-VL-Embedding-2B", "Qwen/Qwen3-Embedding-0.6B"
SIGN = {"caption": "A drawn sign.", "tags": ["sign"], "text": "HARBOUR\n2231", "kind": "diagram", "language": "en"}


@pytest.fixture
def served():
    """Make a server, and a report of one of its stages."""
    servers = []

    def serve(server: FakeInference) -> FakeInference:
        servers.append(server.__enter__())
        return server

    yield serve
    for server in servers:
        server.__exit__()


def stages(server: FakeInference, **others: str) -> Stages:
    """Its embedder, and networks of other stages by name."""
    dialect = "searchsite" if server.own else "vllm"
    server.networks = tuple(others.values())
    more = {stage: Endpoint(server.url, None, network, dialect="vllm") for stage, network in others.items()}
    return Stages(Endpoint(server.url, None, server.embedder, dialect=dialect), **more)


def report(server: FakeInference, *chosen, **others: str) -> selfcheck.Report:
    with Client(stages(server, **others)) as client:
        return selfcheck.check(client, chosen or selfcheck.STAGES)


def failed(found: selfcheck.Report) -> set[str]:
    return {row.subject for row in found.rows if row.outcome == "fail"}


@pytest.mark.parametrize("network", [VL, TEXT])
def test_right_vectors_pass(served, network):
    found = report(served(Knowing(network)))
    assert found.passed, found.failures
    assert {"offered", "dimensions", "norm", "same twice", "batches", "related texts"} <= {
        row.subject for row in found.rows
    }


def test_an_embedder_of_which_nothing_is_known_must_only_tell_texts_apart(served):
    assert report(served(FakeInference())).passed


@pytest.mark.parametrize(
    ("wrong", "subjects", "advice"),
    [
        ("template", {"related texts", "related picture", "picture and words"}, "--runner pooling"),
        ("flags", {"related picture", "picture and words"}, "add_generation_prompt and add_special_tokens"),
        ("instruction", {"instruction"}, "drops the instruction"),
        ("pictures", {"pictures differ", "related picture"}, "does not look at pictures"),
        ("random", {"same twice"}, "pin one"),
        ("neighbour", {"batches"}, "do not index"),
    ],
)
def test_each_wrong_server_is_told_with_what_to_do(served, wrong, subjects, advice):
    server = served(Knowing(VL))
    server.wrong = wrong
    found = report(server)
    assert subjects <= failed(found)
    assert advice in " ".join(found.failures)


def test_a_network_that_is_not_there_is_refused_with_what_is(served):
    server = served(Knowing(VL))
    there = stages(server)
    with Client(Stages(Endpoint(server.url, None, "Qwen/Qwen3-VL-Embedding-8B", dialect="vllm"))) as client:
        found = selfcheck.check_embedder(client)
    assert failed(found) == {"offered"}
    assert there.embed.network in found.failures[0]
    assert "EMBEDDER" in found.failures[0]


def test_a_network_that_sees_must_be_given_pictures(served):
    server = served(Knowing(VL))
    server.pictures = False
    found = report(server)
    assert "takes pictures" in failed(found)


def test_texts_alone_are_no_fault_of_a_network_of_texts(served):
    found = report(served(Knowing(TEXT)))
    assert "texts only" in next(row.found for row in found.rows if row.subject == "takes pictures")


def test_a_wrong_key_is_told(served):
    server = served(Knowing(VL))
    server.key = "right"
    found = report(server)
    assert failed(found) == {"key"}
    assert "EMBED_KEY" in found.failures[0]


def test_a_server_that_is_not_there_is_told():
    with Client(Stages(Endpoint("http://127.0.0.1:1", None, VL, dialect="vllm"))) as client:
        found = selfcheck.check_embedder(client)
    assert failed(found) == {"reachable"}
    assert "EMBED_URL" in found.failures[0]


@pytest.mark.parametrize("fault", [*VECTOR_FAULTS, *OTHER_FAULTS[:6], "closed", "redirect", "echo_key", "500", "400"])
def test_no_fault_of_an_embedder_is_more_than_a_row(served, fault):
    server = served(FakeInference())
    server.fault = fault
    found = report(server, "embed")
    assert failed(found)
    assert all(row.found and row.advice for row in found.rows if row.outcome == "fail")


@pytest.mark.parametrize("fault", ["400", "html"])
def test_of_a_server_that_answers_nothing_well_its_dialect_is_doubted(served, fault):
    server = served(Knowing(VL))
    server.chat_fault = fault
    found = report(server, "caption", caption="Qwen/Qwen3-VL-8B-Instruct")
    assert "CAPTION_DIALECT names what it speaks" in found.failures[0]


def test_captioner_reranker_and_answerer_are_tried(served):
    server = served(Knowing(VL))
    server.reply = lambda body: json.dumps(SIGN) if "response_format" in body else "Behind the blue door [1]."
    found = report(
        server, caption="Qwen/Qwen3-VL-8B-Instruct", rerank="Qwen/Qwen3-VL-Reranker-2B", answer="Qwen/Qwen3-8B"
    )
    assert found.passed, found.failures
    subjects = {(row.stage, row.subject) for row in found.rows}
    assert {("caption", "JSON"), ("caption", "reads text"), ("rerank", "order"), ("answer", "ends")} <= subjects
    assert not [row for row in found.rows if row.outcome == "warn"]


def test_a_captioner_that_chats_instead_fails(served):
    server = served(Knowing(VL))
    server.reply = lambda body: "Sure! Here is what I see: a sign."
    assert "JSON" in failed(report(server, "caption", caption="Qwen/Qwen3-VL-8B-Instruct"))


@pytest.mark.parametrize("fault", ["cut", "error_vllm", "no_finish", "429", "500"])
def test_an_answer_that_breaks_off_fails(served, fault):
    server = served(Knowing(VL))
    server.chat_fault = fault
    server.chat.cut_at = 300
    assert failed(report(server, "answer", answer="Qwen/Qwen3-8B"))


@pytest.mark.parametrize("fault", ["nan", "count", "null", "500", "closed"])
def test_a_reranker_that_fails_is_a_row(served, fault):
    server = served(Knowing(VL))
    server.fault = fault
    assert failed(report(server, "rerank", rerank="Qwen/Qwen3-VL-Reranker-2B"))
