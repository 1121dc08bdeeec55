"""alice leads the team, bob edits in it; what they ask is counted for real, in the session's broker."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.accounts.tokens import create_token
from searchsite.config import Config
from tests.browsers import SignedIn, alice, media, signed_in

__all__ = ["SignedIn", "alice", "media", "signed_in"]
Limited = Callable[..., None]


@pytest.fixture
def limited(settings) -> Limited:
    """Set limits; all others are off."""

    def to(**limits: object) -> None:
        names = [name for name in Config.model_fields if name.endswith("_per_minute")]
        settings.CONFIG = Config(**(dict.fromkeys(names, 0) | limits))  # type: ignore[arg-type]

    return to


@pytest.fixture
def garden(db) -> Team:
    team = teams.create_team("garden", User.objects.create_user("alice"))
    teams.add_member(team, User.objects.create_user("bob"), role=Role.EDITOR)
    return team


@pytest.fixture
def bob(signed_in: SignedIn) -> Client:
    return signed_in("bob")


@pytest.fixture
def program(garden: Team) -> Callable[..., Client]:
    """A program with a fresh token of alice's."""

    def client() -> Client:
        user = User.objects.get(username="alice")
        _, secret = create_token(user, garden, name="test", scopes=frozenset({"read", "write"}))
        return Client(headers={"authorization": f"Bearer {secret}"})

    return client


@pytest.fixture
def address() -> str:
    """Where nobody has asked from before."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
