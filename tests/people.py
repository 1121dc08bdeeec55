"""Fixtures: who the tests are about. alice has a team with an Inbox; bob and charlie are in none."""

from __future__ import annotations

import pytest

from searchsite.accounts.models import Team, User
from searchsite.library.intake import Place
from tests import made


@pytest.fixture
def alice(db) -> User:
    return made.person("alice")


@pytest.fixture
def bob(db) -> User:
    return made.person("bob")


@pytest.fixture
def charlie(db) -> User:
    return made.person("charlie")


@pytest.fixture
def team(alice: User) -> Team:
    return made.team_of(alice)


@pytest.fixture
def inbox(alice: User, team: Team) -> Place:
    return made.place(alice, team)
