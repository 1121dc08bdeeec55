"""alice leads the team, bob edits in it, vera only looks, charlie is a stranger with a team of his own."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from tests.browsers import SignedIn, alice, media, signed_in
from tests.library import drawn

__all__ = ["SignedIn", "alice", "media", "signed_in"]


@pytest.fixture
def garden(db) -> Team:
    team = teams.create_team("garden", User.objects.create_user("alice"))
    for name, role in (("bob", Role.EDITOR), ("vera", Role.VIEWER)):
        teams.add_member(team, User.objects.create_user(name), role=role)
    teams.create_team("den", User.objects.create_user("charlie"))
    return team


@pytest.fixture
def charlie(signed_in: SignedIn) -> Client:
    return signed_in("charlie")


@pytest.fixture
def note(garden: Team) -> Item:
    """A note in the Inbox."""
    place = intake.place_for(scope_for(User.objects.get(username="alice"), garden), None, lane=Lane.NORMAL)
    return intake.add_text("Walnut bread\n\nLet it rest overnight.", title="Recipe", into=place).item


def picture(name: str = "meadow.jpg", seed: int = 0) -> SimpleUploadedFile:
    """A photo as a browser sends it."""
    return SimpleUploadedFile(name, drawn.jpeg(seed), content_type="image/jpeg")


def text(response) -> str:
    """What the page says."""
    return response.content.decode()
