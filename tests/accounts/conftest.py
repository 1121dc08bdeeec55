"""alice leads the team, bob is in it, charlie is a stranger."""

from __future__ import annotations

import pytest

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from tests.people import alice, bob, charlie

__all__ = ["alice", "bob", "charlie"]


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    team = teams.create_team("garden", alice)
    teams.add_member(team, bob, role=Role.EDITOR)
    return team
