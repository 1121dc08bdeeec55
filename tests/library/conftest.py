"""alice leads the team, bob is in it, charlie is a stranger with a team of his own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Lane
from searchsite.library import files, intake
from searchsite.library.models import Collection
from searchsite.library.scope import Scope, scope_for
from tests.people import alice, bob, charlie

__all__ = ["alice", "bob", "charlie"]
Take = Callable[..., intake.Added]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> Path:
    """Each test has its own folder of files."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    team = teams.create_team("garden", alice)
    Membership.objects.create(team=team, user=bob, role=Role.EDITOR)
    return team


@pytest.fixture
def strangers(charlie: User) -> Team:
    return teams.create_team("strangers", charlie)


def place(user: User, team: Team, collection: Collection | None = None) -> intake.Place:
    """Where the person puts something."""
    public_id = collection.public_id if collection else None
    return intake.place_for(scope_for(user, team), public_id, lane=Lane.NORMAL)


def take(data: bytes, into: intake.Place, name: str = "photo.jpg") -> intake.Added:
    """Put bytes in."""
    return intake.add_file(io.BytesIO(data), name, into=into)


def scope_of(user: User, team: Team) -> Scope:
    return scope_for(user, team)


def stored() -> list[str]:
    """All files under MEDIA_ROOT."""
    root = files.media_root()
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
