"""Suggestions and spelling over HTTP."""

from __future__ import annotations

from searchsite.accounts.models import User
from searchsite.library import collections
from tests import made
from tests.web.conftest import text


def test_suggestions_are_of_who_asks(garden, signed_in, note):
    alice = User.objects.get(username="alice")
    secret = collections.create_collection(garden, "Secret", maker=alice, visibility="private")
    made.note(made.place(alice, garden, secret), "Hidden.", title="Recipe of the cellar")

    def offered(name: str) -> list[str]:
        answer = signed_in(name).get("/suggest", {"q": "reci"})
        assert answer.status_code == 200 and "no-cache" in answer["Cache-Control"]
        return [one["text"] for one in answer.json()["suggestions"]]

    assert offered("alice") == ["Recipe", "Recipe of the cellar"]
    assert offered("bob") == ["Recipe"] == offered("vera")
    assert offered("charlie") == []


def test_suggestions_need_somebody(client, garden):
    assert client.get("/suggest?q=re").status_code == 302


def test_a_misspelt_question_offers_the_right_one(alice, note):
    page = text(alice.get("/?q=recpie+kind%3Atext&sort=newest"))
    assert (
        "Did you mean" in page
        and "recipe kind:text" in page
        and "q=recipe+kind%3Atext&amp;sort=newest"
        in page.replace("sort=newest&amp;q=recipe+kind%3Atext", "q=recipe+kind%3Atext&amp;sort=newest")
    )
    assert "Did you mean" not in text(alice.get("/?q=recipe"))
    assert "Did you mean" not in text(alice.get("/"))
