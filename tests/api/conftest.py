"""alice leads the team, bob edits in it, vera only looks, charlie is a stranger with a team of his own."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.accounts.tokens import create_token
from searchsite.library import collections

Caller = Callable[..., Any]
ITEMS, SEARCH = "/api/v1/items", "/api/v1/search"


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def garden(alice) -> Team:
    team = teams.create_team("garden", alice)
    collections.ensure_system(team)
    for name, role in (("bob", Role.EDITOR), ("vera", Role.VIEWER)):
        teams.add_member(team, User.objects.create_user(name), role=role)
    return team


@pytest.fixture
def den(db) -> Team:
    team = teams.create_team("den", User.objects.create_user("charlie"))
    collections.ensure_system(team)
    return team


@pytest.fixture
def caller(garden, den) -> Caller:
    """Return a client that sends that person's token."""

    def client(name: str, scopes: str = "read,write") -> Any:
        user = User.objects.get(username=name)
        team = den if name == "charlie" else garden
        _, secret = create_token(user, team, name="test", scopes=frozenset(scopes.split(",")))
        return Client(headers={"authorization": f"Bearer {secret}"})

    return client


@pytest.fixture
def api(caller: Caller) -> Any:
    """alice calls."""
    return caller("alice")


def picture(colour: str = "teal", *, size: tuple[int, int] = (64, 48), form: str = "PNG") -> bytes:
    """A small picture, drawn in memory."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).ellipse((8, 8, 40, 40), fill="orange")
    file = BytesIO()
    image.save(file, form)
    return file.getvalue()


def upload(data: bytes | None = None, name: str = "leaf.png", media_type: str = "image/png") -> SimpleUploadedFile:
    """The file field of a form."""
    return SimpleUploadedFile(name, picture() if data is None else data, media_type)


def note(api: Any, text: str = "Water the roses.", **more: object) -> Any:
    """Put a text in and return the answer."""
    response = api.post(ITEMS, {"text": text, **more}, content_type="application/json")
    assert response.status_code == 201, response.content
    return response.json()
