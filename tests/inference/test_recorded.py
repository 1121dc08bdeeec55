"""The client with a stand-in for each kind of server: what it finds out, embeds, describes, ranks and streams."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr

from searchsite.inference import captioning
from searchsite.inference.client import Client
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import BadInput, InferenceError, NotOffered, Refused, Unauthorised
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput, Message, Picture, Vectors
from tests.recorded import SERVED, Recorded

PICTURED = ("vllm", "sglang", "openai", "llamacpp", "dashscope")
Serve = Callable[[str], Recorded]
Opens = Callable[..., Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Recorded] = []

    def start(dialect: str) -> Recorded:
        servers.append(Recorded(dialect).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def opened(server: Recorded, **fields: Any) -> Client:
    """A client with this stand-in for every stage."""
    served = dict(zip(("embed", "caption", "answer", "rerank"), _stages(server.dialect), strict=True))
    ends = {
        stage: None if name is None else Endpoint(server.url, None, name, dialect=server.dialect)
        for stage, name in served.items()
    }
    embed = ends["embed"]
    assert embed is not None
    fields = {"dimensions": 1024, "key": SecretStr(server.key) if server.key else None, **fields}
    stages = Stages(replace(embed, **fields), None, ends["caption"], ends["rerank"])
    return server.kept(Client(replace(stages, answer=ends["answer"])))


def _stages(dialect: str) -> list[str | None]:
    names = SERVED[dialect]
    pick = {word: next((name for name in names if word in name.lower()), None) for word in ("-vl-8b-inst", "rerank")}
    answerer = next((name for name in names if name.lower().endswith("qwen3-8b")), None)
    return [names[0], pick["-vl-8b-inst"], answerer, pick["rerank"]]


def drawn(colour: str, size: tuple[int, int] = (96, 64)) -> Picture:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return Picture(out.getvalue(), "image/png")


def near(one: Vectors, other: Vectors) -> float:
    return float(one @ other)


@pytest.mark.parametrize("dialect", SERVED)
def test_it_finds_out_what_the_server_is(serve: Serve, dialect: str) -> None:
    info = opened(serve(dialect)).info()
    assert info.name == SERVED[dialect][0] and info.mrl and info.dimensions == 1024
    assert info.modalities == ({"text", "image"} if dialect in PICTURED else {"text"})


@pytest.mark.parametrize("dialect", SERVED)
def test_texts_are_near_where_they_share_words(serve: Serve, dialect: str) -> None:
    client = opened(serve(dialect))
    texts = [EmbedInput(text) for text in ("a red car in the snow", "minutes of a meeting")]
    made = client.embed(texts, purpose="document").vectors
    asked = client.embed([EmbedInput("the red car")], purpose="query").vectors[0]
    assert near(asked, made[0]) > near(asked, made[1]) + 0.3
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("dialect", PICTURED)
def test_a_picture_is_found_by_its_content(serve: Serve, dialect: str) -> None:
    client = opened(serve(dialect))
    made = client.embed([EmbedInput(picture=drawn(colour)) for colour in ("red", "blue")], purpose="document").vectors
    asked = client.embed([EmbedInput("something red")], purpose="query").vectors[0]
    assert near(asked, made[0]) > near(asked, made[1]) + 0.1
    both = client.embed([EmbedInput("something red", drawn("blue"))], purpose="query").vectors[0]
    assert near(both, made[1]) > near(asked, made[1])


@pytest.mark.parametrize("dialect", SERVED)
def test_many_inputs_have_the_vectors_that_each_has_alone(serve: Serve, dialect: str) -> None:
    client = opened(serve(dialect))
    inputs = [EmbedInput(f"text number {place}") for place in range(45)]
    if dialect in PICTURED:
        inputs += [EmbedInput(f"look {place}", drawn("red", (64 + 32 * place, 64))) for place in range(5)]
    made = client.embed(inputs, purpose="document").vectors
    for place in (0, 31, 44, len(inputs) - 1):
        alone = client.embed([inputs[place]], purpose="document").vectors[0]
        assert near(alone, made[place]) > 0.9999


@pytest.mark.parametrize("dialect", [name for name in SERVED if name != "dashscope"])
def test_a_server_that_cannot_cut_leaves_it_to_the_client(serve: Serve, dialect: str) -> None:
    server = serve(dialect)
    whole = opened(server).embed([EmbedInput("a red car")], purpose="document").vectors
    server.cuts = False
    cut = opened(server).embed([EmbedInput("a red car")], purpose="document").vectors
    assert cut.shape == (1, 1024)
    np.testing.assert_allclose(whole, cut, atol=1e-5)


@pytest.mark.parametrize("form", ["messages", "parts"])
def test_it_finds_the_form_in_which_a_server_takes_pictures(serve: Serve, form: str) -> None:
    server = serve("openai")
    server.takes = form
    client = opened(server)
    client.embed([EmbedInput(picture=drawn("red"))], purpose="document")
    assert ("messages" in server.requests[-1]) == (form == "messages")


def test_a_server_that_takes_no_pictures_is_a_texts_embedder(serve: Serve) -> None:
    server = serve("openai")
    server.takes = "nothing"
    client = opened(server)
    assert client.info().modalities == {"text"}
    with pytest.raises(BadInput, match="texts only"):
        client.embed([EmbedInput(picture=drawn("red"))], purpose="document")


@pytest.mark.parametrize("dialect", [name for name in SERVED if name != "dashscope"])
def test_an_unknown_network_is_refused_with_what_is_offered(serve: Serve, dialect: str) -> None:
    client = opened(serve(dialect), network="qwen/qwen4")
    with pytest.raises(NotOffered, match=SERVED[dialect][0]):
        client.info()


@pytest.mark.parametrize("dialect", SERVED)
def test_a_wrong_key_is_known_as_one(serve: Serve, dialect: str) -> None:
    server = serve(dialect)
    server.key = "right"
    assert opened(server).embed([EmbedInput("a")], purpose="query").vectors.shape == (1, 1024)
    with pytest.raises(Unauthorised):
        opened(server, key=SecretStr("wrong")).embed([EmbedInput("a")], purpose="query")


@pytest.mark.parametrize("dialect", [name for name in SERVED if name != "dashscope"])
def test_a_picture_is_described(serve: Serve, dialect: str) -> None:
    caption = captioning.describe(opened(serve(dialect)), drawn("green"))
    assert caption.complete and "green" in caption.caption and "green" in caption.tags


@pytest.mark.parametrize("dialect", [name for name in SERVED if name != "dashscope"])
def test_an_answer_is_streamed_to_its_end(serve: Serve, dialect: str) -> None:
    server = serve(dialect)
    task = ChatTask("", [Message("user", "Why?")], most_tokens=64, thinking=False, stream=True)
    with opened(server).stream("answer", task, seconds=10) as stream:
        pieces = list(stream)
    assert "".join(piece.text for piece in pieces) == "It is so [1]." and pieces[-1].finish == "stop"
    usage = pieces[-1].usage
    assert usage is not None and usage.output_tokens == 4
    assert usage.cost == (0.00002 if dialect == "openrouter" else None)


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "dashscope"])
def test_documents_are_ranked_in_the_order_they_were_given(serve: Serve, dialect: str) -> None:
    documents = [EmbedInput("minutes of a meeting"), EmbedInput("a red car"), EmbedInput("snow", drawn("red"))]
    ranking = opened(serve(dialect)).rerank(EmbedInput("the red car"), documents, seconds=10)
    assert len(ranking.scores) == 3 and ranking.scores[1] == max(ranking.scores) > 0.6


def test_what_a_dialect_lacks_is_refused_in_a_sentence(serve: Serve) -> None:
    server = serve("llamacpp")
    embed = opened(server).stages.embed
    client = server.kept(Client(Stages(embed, rerank=replace(embed, dimensions=None))))
    with pytest.raises(Refused, match="llamacpp servers do not rerank"):
        client.rerank(EmbedInput("a"), [EmbedInput("b")], seconds=5)


def test_a_marker_that_changed_with_a_start_is_asked_for_again(serve: Serve) -> None:
    server = serve("llamacpp")
    client = opened(server)
    client.info()
    server.marker = "<__media_other__>"
    with pytest.raises(InferenceError) as raised:
        client.embed([EmbedInput(picture=drawn("red"))], purpose="document")
    assert raised.value.shared and not raised.value.permanent
    again = opened(server)
    assert again.embed([EmbedInput(picture=drawn("red"))], purpose="document").vectors.shape == (1, 1024)


def test_the_cost_that_openrouter_tells_is_kept(serve: Serve) -> None:
    made = opened(serve("openrouter")).embed([EmbedInput("a red car")], purpose="document")
    assert made.usage.cost and made.usage.tokens
