"""A real server that takes little at a time, ten people of one team, and a file that is large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.accounts.tokens import create_token
from searchsite.library import collections, files
from searchsite.library.models import Item
from searchsite.web import desks
from tests import made
from tests.fake_inference import FakeInference
from tests.limits import serving
from tests.limits.serving import Server

LARGE, PEOPLE = 12 << 20, 10
STREAMS = 4 + desks.LOOKS
"""How many streams make a piece at a time: answers, and others."""


@pytest.fixture
def everyone(transactional_db) -> list[str]:
    """The cookies of the people of one team."""
    first, *others = [User.objects.create_user(f"person{number}") for number in range(PEOPLE)]
    team = teams.create_team("garden", first)
    collections.ensure_system(team)
    for other in others:
        teams.add_member(team, other, role=Role.EDITOR)
    return [cookie_of(one) for one in (first, *others)]


@pytest.fixture(scope="module")
def answerer() -> Iterator[FakeInference]:
    """A network that takes forty seconds for an answer."""
    with FakeInference() as slow:
        slow.networks, slow.chat.pause = ("Qwen/Qwen3-8B",), 0.2
        slow.reply = lambda body: "so " * 200
        yield slow


@pytest.fixture(scope="module")
def started(django_db_setup, django_db_blocker, tmp_path_factory, answerer) -> Iterator[tuple[Server, Path]]:
    """One server for all tests of this file; it starts in some seconds."""
    media = tmp_path_factory.mktemp("media")
    asks = {"ANSWER_URL": answerer.url, "ANSWER_DIALECT": "vllm", "ANSWERER": answerer.networks[0]}
    with django_db_blocker.unblock(), serving.running(media, **asks) as server:
        connection.close()
        yield server, media


@pytest.fixture
def server(started: tuple[Server, Path], everyone: list[str], settings) -> Server:
    server, settings.MEDIA_ROOT = started
    return server


@pytest.fixture
def large_file(server: Server) -> str:
    """The address of an item whose file is large."""
    owner = User.objects.get(username="person0")
    item: Item = made.picture(made.place(owner, Team.objects.get()))
    assert item.blob is not None
    with files.original_path(item.blob).open("ab") as file:
        file.truncate(LARGE)
    return f"/items/{item.public_id}/file"


def connections() -> int:
    """How many connections others than this process have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0]) - 1


def conninfo() -> str:
    here = connection.settings_dict
    return f"host={here['HOST']} user={here['USER']} dbname={here['NAME']} connect_timeout=5"


def cookie_of(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.cookies["session"].value


def token_of(name: str) -> str:
    user = User.objects.get(username=name)
    return create_token(user, Team.objects.get(), name="test", scopes=frozenset({"read"}))[1]
