"""Marks and saved questions on pages, the page of figures, and two ways to search side by side."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client

from searchsite import config
from searchsite.accounts.models import Team, User
from searchsite.library import collections
from searchsite.library.models import Item, Visibility
from searchsite.quality.models import EvaluationRun, Judgement, StoredQuestion
from tests import made
from tests.fake_inference import FakeInference
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]
pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def items(garden: Team, fake: FakeInference) -> dict[str, Item]:
    """Two notes that all see, one that alice keeps to herself, and one of another team."""
    alice, charlie = User.objects.get(username="alice"), User.objects.get(username="charlie")
    place = made.place(alice, garden)
    drawer = collections.create_collection(garden, "drawer", maker=alice, visibility=Visibility.PRIVATE)
    den = Team.objects.get(name="den")
    found = {
        "bread": made.note(place, "Walnut bread", "Bread"),
        "cake": made.note(place, "Walnut cake", "Cake"),
        "secret": made.note(made.place(alice, garden, drawer), "Walnut secret", "Secret"),
        "foreign": made.note(made.place(charlie, den), "Walnut tree", "Tree"),
    }
    made.work_through_everything()
    return found


def mark(client: Client, item: Item | UUID, name: str = "yes", question: str = "q=walnut", **more: str):
    public_id = item.public_id if isinstance(item, Item) else item
    return client.post("/judgements", {"in": question, name: str(public_id), **more})


def test_a_hit_is_marked_without_a_script_and_shows_it(alice, items):
    assert 'data-judges="yes" aria-pressed="true"' not in text(alice.get("/?q=walnut"))
    answer = mark(alice, items["bread"])
    assert (answer.status_code, answer["Location"]) == (302, "/?q=walnut")
    page = text(alice.get("/?q=walnut&sort=newest"))
    assert page.count('data-judges="yes" aria-pressed="true"') == 1 and 'name="undo"' in page
    assert mark(alice, items["bread"], "undo", headers=HTMX).status_code == 302
    assert not Judgement.objects.exists()


def test_a_list_without_a_question_has_nothing_to_mark(alice, items):
    for address in ("/", "/?kind=text", "/?q=walnut&limit=x"):
        assert "data-judges" not in text(alice.get(address))
    # What finds nothing can be kept all the same.
    empty = text(alice.get("/?q=zzzz&mode=words"))
    assert 'data-judges="yes"' not in empty and 'data-judges="keep"' in empty and 'id="marks"' in empty
    assert mark(alice, items["bread"], question="kind=text").status_code == 400
    assert mark(alice, items["bread"], question="limit=x&q=a").status_code == 400


def test_the_viewer_marks_what_was_come_to_from_a_search(alice, items):
    one = f"/items/{items['bread'].public_id}"
    assert "Is this what you searched for?" not in text(alice.get(one))
    assert "Is this what you searched for?" not in text(alice.get(f"{one}?in=kind%3Dtext"))
    assert "Is this what you searched for?" in text(alice.get(f"{one}?in=q%3Dwalnut"))
    answer = mark(alice, items["bread"], "no", viewer="yes")
    assert answer["Location"] == f"{one}?in=q%3Dwalnut"
    assert 'data-judges="no" aria-pressed="true"' in text(alice.get(f"{one}?in=q%3Dwalnut"))
    mark(alice, items["bread"], "yes", viewer="yes")
    assert 'data-judges="yes" aria-pressed="true"' in text(alice.get(f"{one}?in=q%3Dwalnut"))
    assert Judgement.objects.get().grade == 3


def test_nobody_marks_what_they_do_not_see(signed_in, alice, charlie, items):
    assert mark(signed_in("vera"), items["bread"]).status_code == 302
    Judgement.objects.all().delete()
    assert mark(signed_in("bob"), items["secret"]).status_code == 404
    assert mark(alice, items["foreign"]).status_code == 404
    assert mark(charlie, items["bread"]).status_code == 404
    assert mark(alice, UUID(int=1)).status_code == 404
    assert alice.post("/judgements", {"in": "q=walnut", "yes": "x"}).status_code == 404
    assert alice.post("/judgements/opened", {"in": "q=walnut", "item": items["foreign"].public_id}).status_code == 404
    assert Client().post("/judgements", {"in": "q=walnut"}).status_code == 302
    assert alice.get("/judgements").status_code == 405
    assert not Judgement.objects.exists()


def test_what_is_opened_is_noted_with_its_place_unless_switched_off(alice, items, monkeypatch):
    opened = {"in": "q=walnut", "item": str(items["cake"].public_id), "place": "2"}
    assert "data-opened" in text(alice.get("/?q=walnut"))
    assert alice.post("/judgements/opened", opened).status_code == 204
    noted = Judgement.objects.get()
    assert (noted.source, noted.grade, noted.place) == ("click", 1, 2)
    for wrong in ({"place": "x"}, {"place": "-1"}, {"in": "limit=x"}, {"in": ""}, {"item": "x"}):
        assert alice.post("/judgements/opened", opened | wrong).status_code == 204
    monkeypatch.setenv("RECORD_CLICKS", "false")
    config.load.cache_clear()
    try:
        assert "data-opened" not in text(alice.get("/?q=walnut"))
        assert alice.post("/judgements/opened", opened | {"in": "q=other"}).status_code == 204
    finally:
        monkeypatch.undo()
        config.load.cache_clear()
    assert StoredQuestion.objects.count() == 1


def test_a_question_is_kept_listed_and_removed_by_its_owner_alone(alice, signed_in, items):
    assert (
        alice.post("/saved/keep", {"in": "q=walnut&kind=text", "keep": "question"})["Location"]
        == "/?q=walnut&kind=text"
    )
    page = text(alice.get("/saved"))
    assert "walnut · Text" in page and 'href="/?q=walnut&amp;kind=text"' in page
    assert "walnut" not in text(signed_in("bob").get("/saved"))
    kept = StoredQuestion.objects.get()
    assert signed_in("bob").post(f"/saved/{kept.public_id}/remove").status_code == 404
    assert alice.post("/saved/keep", {"in": "q=walnut&kind=text", "undo": "question"}, headers=HTMX).status_code == 204
    assert "No question is kept yet" in text(alice.get("/saved"))
    assert alice.post(f"/saved/{kept.public_id}/remove").status_code == 404


def test_figures_are_for_those_who_lead_the_team(signed_in, items):
    for address in ("/quality", "/quality/compare"):
        assert [signed_in(name).get(address).status_code for name in ("alice", "bob", "vera", "charlie")] == [
            200,
            403,
            403,
            200,
        ]
    assert signed_in("bob").post("/quality/measure").status_code == 403
    assert ['href="/quality"' in text(signed_in(name).get("/")) for name in ("alice", "bob")] == [True, False]


def test_it_is_measured_and_the_figures_stand_on_the_page(alice, items):
    assert "press “This is it”" in text(alice.get("/quality"))
    assert "nothing to measure" in text(alice.post("/quality/measure", follow=True))
    mark(alice, items["cake"], question="q=walnut+cake")
    mark(alice, items["cake"], question="q=bread")
    assert "2 questions with a marked answer" in text(alice.get("/quality"))
    page = text(alice.post("/quality/measure", follow=True))
    assert "2 questions were asked." in page and "<polyline" in page and "Answered worst" in page
    worst = page.split("Answered worst")[1]
    assert 'href="/?q=bread"' in worst and "walnut cake" not in worst
    made_run = EvaluationRun.objects.get()
    assert f'<td class="number">{made_run.figures["ndcg@10"]:.2f}</td>' in page


def test_what_is_private_or_of_others_leaks_into_no_figure_and_no_list(alice, signed_in, items):
    mark(alice, items["secret"], question="q=hush")
    User.objects.filter(username="bob").update(is_superuser=True)
    bob = signed_in("bob")
    page = text(bob.get("/quality"))
    assert "hush" not in page and "0 questions with a marked answer" in page
    assert "nothing to measure" in text(bob.post("/quality/measure", follow=True))
    compared = text(bob.get("/quality/compare?left_mode=words&right_mode=meaning"))
    assert "hush" not in compared and "There is no question to ask yet" in compared
    stored = StoredQuestion.objects.get()
    assert bob.get(f"/quality/compare?question={stored.public_id}").status_code == 404
    mine = text(alice.get(f"/quality/compare?left_mode=words&question={stored.public_id}"))
    assert "hush" in mine


def test_two_ways_stand_side_by_side_and_each_question_has_both_lists(alice, items):
    assert "There is no question to ask yet" in text(alice.get("/quality/compare"))
    mark(alice, items["cake"], question="q=walnut+cake")
    alice.post("/saved/keep", {"in": "q=bread", "keep": "question"})
    assert "Both sides are the same" in text(alice.get("/quality/compare?right_mode=hybrid"))
    page = text(alice.get("/quality/compare?left_mode=words&right_mode=meaning"))
    assert "Overlap of the first ten" in page and "no known answer" in page and "over 1 question" in page
    stored = StoredQuestion.objects.get(address="q=walnut+cake")
    lists = text(alice.get(f"/quality/compare?left_mode=words&right_mode=meaning&question={stored.public_id}"))
    assert "words alone" in lists and "place 1 there" in lists and "known answer" in lists
    assert "Secret" in lists and "Tree" not in lists


@pytest.mark.parametrize("query", ["left_space=x", "left_space=99999999999999999999", "left_mode=x", "right_rerank=x"])
def test_what_cannot_be_compared_is_not_found(alice, items, query):
    assert alice.get(f"/quality/compare?{query}").status_code == 404


def test_an_embedder_that_is_away_is_said_and_nothing_is_measured_by_words_alone(alice, items, fake):
    mark(alice, items["cake"], question="q=walnut+cake")
    fake.fault = "500"
    assert "No judged question could be asked" in text(alice.post("/quality/measure", follow=True))
    page = text(alice.get("/quality/compare?left_mode=words&right_mode=meaning"))
    assert "1 question was left out." in page and "found by words alone" in page
    assert not EvaluationRun.objects.exists()


def test_the_page_of_spaces_leads_to_the_comparison(alice, items):
    User.objects.filter(username="alice").update(is_superuser=True)
    space = made.active_space()
    type(space).objects.filter(pk=space.pk).update(status="retired", retired_at="2026-01-01T00:00:00Z")
    assert f'href="/quality/compare?right_space={space.pk}"' in text(alice.get("/spaces"))


def test_letters_that_become_two_are_refused_and_no_fault(alice, items):
    """U+FB2C is three characters once composed: a question of 700 is too long, wherever it stands."""
    long = f"q={chr(0xFB2C) * 700}"
    for answer in (
        alice.get("/", {"q": chr(0xFB2C) * 700}),
        alice.get(f"/items/{items['bread'].public_id}", {"in": long}),
        mark(alice, items["bread"], question=long),
        alice.post("/saved/keep", {"in": long}),
        alice.post("/judgements/opened", {"in": long, "item": str(items["bread"].public_id)}),
    ):
        assert answer.status_code < 500
    assert not StoredQuestion.objects.exists()


def test_two_ways_are_compared_once_at_a_time(alice, items):
    mark(alice, items["bread"])
    way = "/quality/compare?left_mode=words&right_mode=meaning"
    key = f"comparing:{User.objects.get(username='alice').memberships.get().pk}"
    cache.set(key, True)
    assert "is being measured already" in text(alice.get(way))
    cache.delete(key)
    assert "is being measured already" not in text(alice.get(way))
    assert cache.get(key) is None
