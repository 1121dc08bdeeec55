"""alice leads the team, bob is in it, charlie is a stranger."""

from __future__ import annotations

import pytest

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def charlie(db) -> User:
    return User.objects.create_user("charlie")


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    team = teams.create_team("garden", alice)
    teams.add_member(team, bob, role=Role.EDITOR)
    return team
