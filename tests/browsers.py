"""Fixtures: browsers of who is in the team `garden`, which each folder makes, and a folder of files for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from searchsite.accounts.models import Team, User

SignedIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> None:
    """Each test has its own folder of files."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def signed_in(garden: Team) -> SignedIn:
    """A browser of that person."""

    def client(name: str) -> Client:
        browser = Client()
        browser.force_login(User.objects.get(username=name))
        return browser

    return client


@pytest.fixture
def alice(signed_in: SignedIn) -> Client:
    return signed_in("alice")
