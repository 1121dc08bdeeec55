"""alice's garden with a note in it, and networks that a fake plays: an embedder and an answerer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from searchsite import config
from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.answers import asking
from searchsite.answers.answering import Answering
from searchsite.indexing import provider
from searchsite.library.intake import Place
from searchsite.library.models import Item
from searchsite.library.scope import Scope, scope_for
from searchsite.search.questions import Question, Term
from tests import made
from tests.fake_inference import FakeInference
from tests.served import fake as served

__all__ = ["served"]
Ask = Callable[..., Answering]
RECIPE = "Walnut bread wants a long rest. Let the dough rest for eleven hours in the cold."


def configured(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Settle the settings of this test."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config.load.cache_clear()
    provider.forget()


@pytest.fixture
def fake(served: FakeInference, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInference]:
    """The networks of this test: they embed and answer."""
    url = {"ANSWER_URL": served.url, "ANSWER_DIALECT": "vllm", "ANSWERER": "Qwen/Qwen3-8B"}
    configured(monkeypatch, **url)
    served.networks = ("Qwen/Qwen3-8B", "Qwen/Qwen3-VL-8B-Instruct")
    yield served
    monkeypatch.undo()


@pytest.fixture
def looking(fake: FakeInference, monkeypatch: pytest.MonkeyPatch) -> FakeInference:
    """A captioner beside them, that looks at pictures."""
    configured(
        monkeypatch, CAPTION_URL=fake.url, CAPTION_DIALECT="vllm", CAPTIONER="Qwen/Qwen3-VL-8B-Instruct", READER="none"
    )
    return fake


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> None:
    """Each test has its own folder of files."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def garden(transactional_db) -> Team:
    """alice leads it, bob is in it, charlie is a stranger. What is put in is committed: answers are read in threads."""
    team = made.team_of(made.person("alice"))
    teams.add_member(team, made.person("bob"), role=Role.EDITOR)
    made.team_of(made.person("charlie"), "den")
    return team


@pytest.fixture
def inbox(garden: Team) -> Place:
    return made.place(User.objects.get(username="alice"), garden)


@pytest.fixture
def recipe(fake: FakeInference, inbox: Place) -> Item:
    """A note that has been indexed."""
    item = made.note(inbox, RECIPE, "Recipe")
    made.work_through_everything()
    return item


def scope_of(name: str) -> Scope:
    user = User.objects.get(username=name)
    membership = user.memberships.get()
    return scope_for(user, membership.team_id)


@pytest.fixture
def ask(garden: Team) -> Iterator[Ask]:
    """Begin to answer somebody's question."""
    begun: list[Answering] = []

    def begin(words: str, name: str = "alice", *, thinking: bool = False) -> Answering:
        begun.append(asking.ask(Question((Term(text=words),)), scope_of(name), thinking=thinking))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def answered(answering: Answering) -> Answering:
    """Follow it to its end."""
    for _step in asking.follow(answering):
        pass
    answering.close()
    return answering


def browser(name: str) -> Client:
    """A signed-in person's browser."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def prompt_of(sent: dict[str, Any]) -> str:
    """All text of the user's turn."""
    content = sent["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def wait_until(true: Callable[[], bool], *, seconds: float) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)
