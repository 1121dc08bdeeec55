"""alice's team, its Inbox, and a fake inference server."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import Team, User
from searchsite.library.intake import Place
from tests import made
from tests.served import fake

__all__ = ["fake"]


@pytest.fixture
def alice(db) -> User:
    return made.person("alice")


@pytest.fixture
def team(alice: User) -> Team:
    return made.team_of(alice)


@pytest.fixture
def inbox(alice: User, team: Team) -> Place:
    return made.place(alice, team)
