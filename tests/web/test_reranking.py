"""What the search page shows of a reranker."""

from __future__ import annotations

import pytest

from searchsite import config
from searchsite.accounts.models import User
from searchsite.indexing import provider
from tests import made
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]


@pytest.fixture
def shelf(garden, fake, monkeypatch):
    """Two notes, and a reranker."""
    monkeypatch.setenv("RERANKER", "Qwen/Qwen3-VL-Reranker-2B")
    config.load.cache_clear()
    provider.forget()
    inbox = made.place(User.objects.get(username="alice"), garden)
    made.note(inbox, "tulips want sun", title="Sun")
    made.note(inbox, "tulips want rain", title="Rain")
    made.work_through_everything()


def test_each_card_says_that_it_was_read(alice, shelf):
    page = text(alice.get("/", {"q": "tulips rain"}))
    assert page.index("Rain") < page.index("Sun")
    assert "Rank 1 by reranker" in page


def test_one_search_can_do_without(alice, shelf, fake):
    asked = {"q": "tulips rain", "rerank": "false"}
    page = text(alice.get("/", asked))
    assert 'value="false" selected' in text(alice.get("/search/facets", asked))
    assert not fake.asked("/v1/rerank")
    assert "Without the reranker" in page


def test_the_page_says_when_it_failed(alice, shelf, fake):
    alice.get("/", {"q": "tulips rain", "rerank": "false"})
    fake.fault = "500"
    assert "Not reranked: " in text(alice.get("/", {"q": "tulips rain"}))


def test_nothing_is_said_of_it_where_there_is_none(alice, note):
    assert "rerank" not in text(alice.get("/", {"q": "walnut"}))


def test_an_address_that_means_nothing_is_told(alice, note):
    answer = alice.get("/", {"q": "walnut", "rerank": "perhaps"})
    assert answer.status_code == 400
    assert "Rerank must be true or false." in text(answer)
