"""A reranker reads the first hits; it may be late, wrong or away, and the search answers all the same."""

from __future__ import annotations

import base64
import io
import time

import pytest
from PIL import Image

from searchsite import config
from searchsite.indexing import provider
from searchsite.library import pictures
from searchsite.search.find import find
from searchsite.search.questions import Question, Term, from_query, to_query
from searchsite.search.reranking import DEPTH, NOT_CONFIGURED
from tests import made

pytestmark = pytest.mark.django_db
SEEING = "Qwen/Qwen3-VL-Reranker-2B"
BLIND = "Qwen/Qwen3-Reranker-0.6B"


@pytest.fixture
def reranker(fake, monkeypatch):
    """Configure a reranker of this name."""

    def configure(network: str = SEEING, **settings: str) -> None:
        for name, value in {"RERANKER": network, **settings}.items():
            monkeypatch.setenv(name, value)
        config.load.cache_clear()
        provider.forget()
        fake.networks = (network,)

    configure()
    return configure


@pytest.fixture
def shelf(inbox, reranker):
    """By meaning alone the short note is nearer; the long one has all the words."""
    made.note(inbox, "tulips tulips", title="short")
    made.note(inbox, f"tulips want sun and rain {' '.join(f'word{n}' for n in range(20))}", title="long")
    made.work_through_everything()


def ask(scope, words: str = "tulips sun rain", mode: str = "meaning", **fields):
    return find(Question((Term(text=words),), mode=mode, **fields), scope)


def titles(results) -> list[str]:
    return [hit.item.title for hit in results.hits]


def not_reranked(results) -> bool:
    return titles(results) == ["short", "long"] and any(note.startswith("Not reranked: ") for note in results.notes)


def test_the_reranker_has_the_last_word(inbox, shelf, fake):
    assert titles(ask(inbox.scope, rerank=False)) == ["short", "long"]
    assert not fake.asked("/v1/rerank")
    results = ask(inbox.scope)
    assert titles(results) == ["long", "short"]
    assert results.hits[0].why[0].channel == "reranker"
    assert results.hits[0].why[0].rank == 1
    assert 0 < results.hits[1].why[0].similarity < results.hits[0].why[0].similarity <= 1
    assert results.hits[0].score > results.hits[1].score


def test_lists_by_date_and_exact_words_are_left_as_they_are(inbox, shelf, fake):
    find(Question(), inbox.scope)
    ask(inbox.scope, sort="newest")
    ask(inbox.scope, mode="words")
    find(Question((Term(text="tulips"), Term(text="rain", weight=-1.0))), inbox.scope)
    assert not fake.asked("/v1/rerank")


def test_no_reranker_is_said_to_who_asks_for_one(inbox, shelf, reranker):
    reranker("none")
    assert NOT_CONFIGURED in ask(inbox.scope, rerank=True).notes
    assert NOT_CONFIGURED not in ask(inbox.scope).notes


@pytest.mark.parametrize("fault", ["500", "401", "nan", "count", "null", "object", "html", "error_in_200", "closed"])
def test_a_reranker_that_fails_leaves_the_order_and_says_so(inbox, shelf, fake, fault):
    ask(inbox.scope, rerank=False)  # the question's vector is kept from now on
    fake.fault = fault
    results = ask(inbox.scope)
    assert not_reranked(results), results.notes


def test_a_reranker_that_hangs_costs_its_seconds_and_no_more(inbox, shelf, fake, reranker):
    reranker(RERANK_SECONDS="0.5")
    ask(inbox.scope, rerank=False)
    fake.fault = "hang"
    start = time.monotonic()
    results = ask(inbox.scope)
    assert time.monotonic() - start < 5
    assert not_reranked(results)
    assert results.budget.left > 0, "what the reranker took is not the database's time"
    calls = len(fake.asked("/v1/rerank"))
    assert not_reranked(ask(inbox.scope))  # for a while nobody waits for it
    assert len(fake.asked("/v1/rerank")) == calls


@pytest.mark.parametrize("limit", [7, 10])
def test_pages_are_cut_from_one_list(inbox, reranker, fake, limit):
    """Pages of 10 end where the reranked hits end, those of 7 do not. What is nearest by meaning is reranked last."""
    made.note(inbox, "tulips", title="0")
    for number in range(1, DEPTH + 10):
        others = " ".join(f"other{number * 20 + n}" for n in range(10 + number % 7))
        made.note(inbox, f"tulips word41 word42 {others}", title=f"{number}")
    made.work_through_everything()
    shown, cursor = [], None
    for _ in range(-(-(DEPTH + 10) // limit)):
        results = ask(inbox.scope, "tulips word41 word42", limit=limit, cursor=cursor)
        shown += titles(results)
        cursor = results.next_cursor
        assert len(fake.asked("/v1/rerank")) == 1  # later pages use the scores of the first
    assert cursor is None
    assert len(shown) == len(set(shown)) == DEPTH + 10


def test_a_first_page_without_the_reranker_has_no_later_page_with_it(inbox, shelf, fake):
    ask(inbox.scope, rerank=False)
    fake.fault = "500"
    first = ask(inbox.scope, limit=1)
    fake.fault = None
    assert titles(first) == ["short"]
    assert titles(ask(inbox.scope, limit=1, cursor=first.next_cursor)) == ["long"]


def test_a_reranker_that_sees_gets_pictures(inbox, reranker, fake):
    made.picture(inbox, "red", title="a red thing")
    made.note(inbox, "tulips", title="note")
    made.work_through_everything()
    ask(inbox.scope, "tulips")
    (asked,) = fake.asked("/v1/rerank")
    sent = [one for one in asked["documents"] if isinstance(one, dict)]
    assert sent[0]["content"][0]["image_url"]["url"].startswith("data:image/")
    assert "tulips" in asked["documents"]


def test_a_reranker_of_texts_gets_what_is_said_of_pictures(inbox, reranker, fake):
    reranker(BLIND)
    made.picture(inbox, "red", title="a red thing")
    made.note(inbox, "tulips", title="note")
    made.work_through_everything()
    ask(inbox.scope, "tulips")
    (asked,) = fake.asked("/v1/rerank")
    (said,) = (one for one in asked["documents"] if one != "tulips")
    assert said.startswith("a red thing")
    assert "hello world" in said  # the text that was read in it


@pytest.mark.parametrize(("network", "calls"), [(SEEING, 1), (BLIND, 0)])
def test_a_question_with_a_picture_goes_to_a_reranker_that_sees(inbox, reranker, fake, network, calls):
    reranker(network)
    first, second = made.picture(inbox, "red"), made.picture(inbox, "blue")
    made.note(inbox, "tulips")
    made.work_through_everything()
    find(Question((Term(text="tulips"), Term(item=first.public_id))), inbox.scope)
    assert len(fake.asked("/v1/rerank")) == calls
    find(Question((Term(item=first.public_id), Term(item=second.public_id))), inbox.scope)
    assert len(fake.asked("/v1/rerank")) == calls


def test_a_picture_to_search_by_is_made_small_for_it(inbox, reranker, fake):
    file = io.BytesIO(made.drawn("red", size=(1000, 800)))
    shown = pictures.add_query_picture(file, scope=inbox.scope)
    made.note(inbox, "tulips")
    made.picture(inbox, "blue")
    made.work_through_everything()
    find(Question((Term(text="tulips"), Term(picture=shown.public_id))), inbox.scope)
    (asked,) = fake.asked("/v1/rerank")
    (url,) = (part["image_url"]["url"] for part in asked["query"]["content"] if part["type"] == "image_url")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as sent:
        assert sent.width * sent.height <= 256 * 32 * 32


def test_what_a_person_wants_is_told_to_it(inbox, shelf, fake):
    ask(inbox.scope, instruction="Find what gardeners need.")
    assert fake.asked("/v1/rerank")[-1]["instruction"].startswith("Find what gardeners need")


def test_the_address_says_whether_to_rerank():
    assert from_query({"q": "x"}).rerank is None
    for value, rerank in (("true", True), ("false", False)):
        question = from_query({"q": "x", "rerank": value})
        assert question.rerank is rerank
        assert to_query(question) == f"q=x&rerank={value}"
