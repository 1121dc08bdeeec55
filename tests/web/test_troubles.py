"""Operators are told of servers that are not well; others are not."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite import config
from searchsite.accounts.models import User
from searchsite.indexing import provider, spaces
from searchsite.inference.errors import Unauthorised
from searchsite.inference.types import EmbedInput
from tests.fake_inference import FakeInference
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]
pytestmark = pytest.mark.django_db
REFUSED = "refuses the key, or it is not paid for: "


@pytest.fixture
def operator(signed_in) -> Client:
    """alice, who leads the house as well."""
    User.objects.filter(username="alice").update(is_superuser=True)
    return signed_in("alice")


@pytest.fixture
def refused(fake: FakeInference) -> None:
    """The provider has refused the key."""
    fake.fault = "402"
    with pytest.raises(Unauthorised):
        spaces.ensure_active()


def test_operators_see_a_refused_key_on_every_page_and_what_to_set(operator, alice, refused):
    for address in ("/", "/spaces"):
        page = text(operator.get(address))
        assert f"(embed, read) {REFUSED}" in page
        assert "Set EMBED_KEY (or INFERENCE_KEY) to a key of 127.0.0.1:" in page
    User.objects.filter(username="alice").update(is_superuser=False)
    assert REFUSED not in text(alice.get("/"))


def test_the_probe_for_readiness_names_it(alice, refused, settings):
    settings.CONFIG = config.load()
    found = alice.get("/readyz").json()
    assert found["degraded"] == ["inference"]
    assert found["parts"]["inference"] == "refuses the key, or it is not paid for (embed, read)"


def test_a_key_that_an_earlier_space_needs_is_asked_for_by_name(operator, fake, monkeypatch):
    space = spaces.ensure_active()
    host = space.url.removeprefix("http://")
    fake.fault = "402"
    monkeypatch.setenv("INFERENCE_URL", "http://127.0.0.1:9")
    provider.forget()
    config.load.cache_clear()
    with pytest.raises(Unauthorised):
        provider.client_of(space).embed([EmbedInput(text="a")], purpose="query")
    assert f"Space {space.pk} needs it: set EARLIER_KEYS={host}=key" in text(operator.get("/"))
