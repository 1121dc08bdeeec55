"""What is found, by whom, in which order, and page by page."""

from __future__ import annotations

import base64
import io
import json
from datetime import date
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import translation

from searchsite import config
from searchsite.accounts import budgets, teams
from searchsite.accounts.models import Role
from searchsite.indexing import provider, spaces
from searchsite.inference.errors import Unauthorised
from searchsite.library import intake, pictures, trash
from searchsite.library.models import Collection, Item, Tag, Visibility
from searchsite.library.scope import scope_for
from searchsite.search import browse, pace
from searchsite.search.find import find
from searchsite.search.notices import AWAY, TOO_SLOW
from searchsite.search.questions import BadQuestion, Filters, NotFound, Question, Term
from tests import made

pytestmark = pytest.mark.django_db


def ask(scope, *texts: str, **fields):
    return find(Question(tuple(Term(text=text) for text in texts), **fields), scope)


def titles(results) -> list[str]:
    return [hit.item.title for hit in results.hits]


def found_nothing(results) -> bool:
    """Not even a number: a count would tell that something is there."""
    return results.hits == () and results.total_estimate == 0 and results.next_cursor is None


@pytest.fixture
def shelf(inbox, fake):
    """Notes with titles of their own."""

    def put(*texts: str) -> list[Item]:
        items = [made.note(inbox, text, title=f"note {n}") for n, text in enumerate(texts)]
        made.work_through_everything()
        return items

    return put


def test_words_and_meaning_find_a_note(inbox, shelf):
    shelf("tulips want sun", "roses want rain", "a receipt of the plumber")
    results = ask(inbox.scope, "tulips sun")
    assert titles(results)[0] == "note 0"
    assert {why.channel for why in results.hits[0].why} == {"text", "words"}
    assert results.hits[0].part.text == "tulips want sun"


def test_every_visible_item_can_be_a_hit(inbox, shelf):
    shelf(*(f"note about thing{n}" for n in range(30)))
    assert len(ask(inbox.scope, "something else", limit=30).hits) == 30


def test_without_terms_the_newest_come_first(inbox, shelf):
    shelf("one", "two", "three")
    assert titles(ask(inbox.scope)) == ["note 2", "note 1", "note 0"]
    assert titles(ask(inbox.scope, sort="oldest")) == ["note 0", "note 1", "note 2"]


def test_a_stranger_finds_nothing(inbox, shelf, team):
    items = shelf("tulips want sun")
    charlie = made.person("charlie")
    for scope in (scope_for(charlie, team), scope_for(charlie, made.team_of(charlie, "other"))):
        for mode in ("hybrid", "meaning", "words"):
            assert found_nothing(ask(scope, "tulips", mode=mode))
        assert found_nothing(ask(scope))
        with pytest.raises(NotFound):
            find(Question((Term(item=items[0].public_id),)), scope)


def test_a_private_collection_is_its_makers_alone(alice, team, fake):
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    private = Collection.objects.create(team=team, name="p", visibility=Visibility.PRIVATE, created_by=alice)
    made.note(made.place(alice, team, private), "tulips want sun")
    made.work_through_everything()
    assert len(ask(scope_for(alice, team), "tulips").hits) == 1
    assert found_nothing(ask(scope_for(bob, team), "tulips"))
    with pytest.raises(NotFound):
        ask(scope_for(bob, team), "tulips", filters=Filters(collections=(private.public_id,)))


def test_what_is_in_the_trash_is_not_found(inbox, shelf):
    (item,) = shelf("tulips want sun")
    trash.trash(item)
    assert found_nothing(ask(inbox.scope, "tulips"))


def test_text_in_quotes_is_found_literally_or_not_at_all(inbox, shelf):
    shelf("The Crème brûlée was fine", "fine cream, burnt", "brûlée Crème")
    assert titles(ask(inbox.scope, '"creme BRULEE"')) == ["note 0"]
    assert ask(inbox.scope, '"no such thing"').hits == ()


def test_the_passage_that_is_shown_has_what_was_quoted(inbox, shelf):
    often = "A tulip is a tulip, and tulips want sun. " * 60
    shelf(f"{often}\n\n{'Rain fell on it. ' * 60}\n\nThen the tulip, at last, was blue.", "tulip tulip tulip")
    (hit,) = ask(inbox.scope, 'tulip tulips sun "at last, was blue"').hits
    assert "at last, was blue" in hit.part.text


def test_stop_words_in_quotes_are_found(inbox, shelf):
    shelf("to be or not to be", "something else")
    assert titles(ask(inbox.scope, '"or not to"')) == ["note 0"]


@pytest.mark.parametrize("words", ["RE16", "re16-22", "6-2231", "RE16-2231/B"])
def test_codes_are_found_by_their_parts(inbox, shelf, words):
    shelf("the part RE16-2231/B is missing", "another part is missing")
    assert titles(ask(inbox.scope, words, mode="words")) == ["note 0"]


@pytest.mark.parametrize("words", ["%", "_", "%%%%", "a_c", "100%", "\\", "'", "$$", "(a+)+$", "-", "- -x"])
def test_signs_mean_themselves(inbox, shelf, words):
    shelf("abc", "plain words")
    results = ask(inbox.scope, words, mode="words")
    assert results.hits == ()


@pytest.mark.parametrize("words", ['"', '""', '"""', "()", "OR"])
def test_what_asks_nothing_lists_what_is_there(inbox, shelf, words):
    shelf("abc", "plain words")
    results = ask(inbox.scope, words, mode="words")
    assert len(results.hits) == 2 and results.notes


@pytest.mark.parametrize(
    "text",
    [
        "' OR 1=1--",
        "'; select pg_sleep(5)--",
        "%27",
        "{table} <bounds> %(scope)s %s",
        "👍🏽👩‍👩‍👧‍👦",
        "the of and",
        "x",
        "%" * 2000,
        "a " * 1000,
        "a\u0301" * 900,
        "! & | <-> ( ) :*",
        "\u202egnp.exe",
    ],
)
def test_odd_questions_get_an_ordinary_answer(inbox, shelf, text):
    shelf("tulips want sun")
    results = ask(inbox.scope, text)
    assert results.took_ms < 4500
    assert Item.objects.count() == 1


def test_all_words_beat_some(inbox, shelf):
    shelf("red wine", "red red red paint", "wine cellar", "red wine and cheese")
    assert set(titles(ask(inbox.scope, "red wine", mode="words"))[:2]) == {"note 0", "note 3"}


def test_a_title_is_found(inbox, fake):
    made.note(inbox, "nothing here", title="Quarterly numbers")
    made.work_through_everything()
    assert titles(ask(inbox.scope, "quarterly", mode="words")) == ["Quarterly numbers"]


@pytest.mark.parametrize(
    ("fault", "note"), [("503", "is overloaded"), ("402", "refuses the key, or it is not paid for"), ("500", "failed")]
)
def test_where_inference_fails_words_answer_and_the_page_says_why(inbox, shelf, fake, fault, note):
    shelf("tulips want sun", "roses want rain")
    fake.fault = fault
    results = ask(inbox.scope, "roses")
    assert titles(results) == ["note 1"]
    assert any(note in said and said.endswith("found by words alone.") for said in results.notes)


def test_with_inference_away_words_answer_and_the_page_says_so(inbox, shelf, fake):
    shelf("tulips want sun", "roses want rain")
    fake.__exit__()
    provider.forget()
    results = ask(inbox.scope, "roses")
    assert titles(results) == ["note 1"]
    assert AWAY in results.notes


def test_before_the_first_vector_a_refused_key_is_why(inbox, fake):
    fake.fault = "402"
    with pytest.raises(Unauthorised):
        spaces.ensure_active()
    assert any("refuses the key" in said for said in ask(inbox.scope, "tulips").notes)


def test_a_question_asked_before_needs_no_inference(inbox, shelf, fake):
    shelf("tulips want sun")
    ask(inbox.scope, "sunny flowers")
    asked = fake.calls
    ask(inbox.scope, "sunny flowers")
    assert fake.calls == asked


def test_vectors_of_another_embedder_are_never_compared(inbox, shelf):
    shelf("tulips want sun")
    space = made.active_space()
    space.revision = "older"
    space.save()
    results = ask(inbox.scope, "entirely new question about tulips")
    assert {why.channel for hit in results.hits for why in hit.why} == {"words"}
    assert any("Another embedder" in note for note in results.notes)


def test_filters_hold_in_every_channel(inbox, alice, team, shelf, fake):
    shelf("tulips want sun")
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    made.picture(made.place(bob, team), title="tulips in red")
    made.work_through_everything()
    cases = {
        Filters(kinds=("image",)): ["tulips in red"],
        Filters(kinds=("text",)): ["note 0"],
        Filters(by="bob"): ["tulips in red"],
        Filters(by="nobody"): [],
        Filters(tags=("tabby cat",)): ["tulips in red"],
        Filters(tags=("tabby cat", "dog")): [],
        Filters(after=date(2100, 1, 1)): [],
        Filters(before=date(2000, 1, 1)): [],
        Filters(collections=(inbox.collection.public_id,)): ["note 0", "tulips in red"],
    }
    for filters, expected in cases.items():
        assert sorted(titles(ask(inbox.scope, "tulips", filters=filters))) == expected, filters
        assert sorted(titles(ask(inbox.scope, filters=filters))) == expected, filters


def test_tags_of_another_team_do_not_match(inbox, shelf):
    shelf("tulips")
    other = made.team_of(made.person("charlie"), "other")
    Tag.objects.create(team=other, name="secret")
    assert ask(inbox.scope, filters=Filters(tags=("secret",))).hits == ()


def test_more_like_this_leaves_itself_out(inbox, shelf):
    items = shelf("tulips want sun", "tulips want much sun", "a receipt of the plumber")
    results = find(Question((Term(item=items[0].public_id),)), inbox.scope)
    assert titles(results) == ["note 1", "note 2"]


def test_an_item_not_yet_embedded_is_said_to_be_so(inbox, shelf):
    shelf("tulips want sun")
    fresh = made.note(inbox, "roses want rain")
    results = find(Question((Term(item=fresh.public_id),)), inbox.scope)
    assert results.hits == ()
    assert any("not been embedded" in note for note in results.notes)


def test_a_picture_finds_pictures(inbox, fake):
    for colour in ("red", "green", "blue"):
        made.picture(inbox, colour)
    made.work_through_everything()
    picture = pictures.add_query_picture(io.BytesIO(made.drawn("green")), scope=inbox.scope)
    results = find(Question((Term(picture=picture.public_id),)), inbox.scope)
    assert len(results.hits) == 3
    assert results.hits[0].why


def test_anothers_query_picture_is_not_there(inbox, team, fake):
    picture = pictures.add_query_picture(io.BytesIO(made.drawn("green")), scope=inbox.scope)
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.VIEWER)
    for scope, asked in ((scope_for(bob, team), picture.public_id), (inbox.scope, uuid4())):
        with pytest.raises(NotFound):
            find(Question((Term(picture=asked),)), scope)


def test_a_negative_term_leads_away(inbox, shelf):
    shelf("red wine", "red paint", "green paint")
    terms = (Term(text="red"), Term(text="wine", weight=-1.0))
    results = find(Question(terms, mode="meaning"), inbox.scope)
    assert titles(results)[0] == "note 1"
    # What is not wanted never outweighs what is: the red wine is still red.
    assert [hit.item.title for hit in results.hits][1:] == ["note 0", "note 2"]
    near = {hit.item.title: hit.why[0].similarity for hit in results.hits}
    plain = {hit.item.title: hit.why[0].similarity for hit in ask(inbox.scope, "red", mode="meaning").hits}
    assert near["note 0"] < plain["note 0"] - 0.2 and plain["note 0"] > plain["note 1"]


def test_the_same_wanted_and_not_wanted_is_wanted(inbox, shelf):
    shelf("red wine", "green paint")
    terms = (Term(text="red"), Term(text="red", weight=-1.0))
    assert titles(find(Question(terms, mode="meaning"), inbox.scope)) == ["note 0", "note 1"]


def test_a_text_and_a_picture_are_embedded_together(inbox, fake):
    made.picture(inbox, "red", title="one")
    made.work_through_everything()
    picture = pictures.add_query_picture(io.BytesIO(made.drawn("red")), scope=inbox.scope)
    asked = fake.inputs
    find(Question((Term(text="at night"), Term(picture=picture.public_id))), inbox.scope)
    assert fake.inputs == asked + 1


def pages(scope, limit: int, *texts: str, **fields):
    cursor, seen = None, []
    while True:
        results = ask(scope, *texts, limit=limit, cursor=cursor, **fields)
        seen.append([hit.item.id for hit in results.hits])
        cursor = results.next_cursor
        if cursor is None:
            return seen


@pytest.mark.parametrize("fields", [{"texts": ("thing3",)}, {"texts": ()}, {"texts": (), "sort": "oldest"}])
@pytest.mark.parametrize("limit", [1, 7, 25])
def test_pages_have_no_doubles_and_no_gaps(inbox, shelf, limit, fields):
    items = shelf(*(f"a note about thing{n}" for n in range(25)))
    texts = fields["texts"]
    seen = pages(inbox.scope, limit, *texts, **{key: fields[key] for key in fields if key != "texts"})
    flat = [one for page in seen for one in page]
    assert sorted(flat) == sorted(item.public_id for item in items)
    assert all(len(page) == limit for page in seen[:-1])


def test_what_is_put_in_meanwhile_moves_no_page(inbox, shelf):
    shelf(*(f"a note about thing{n}" for n in range(12)))
    whole = [one for page in pages(inbox.scope, 100, "thing5") for one in page]
    first = ask(inbox.scope, "thing5", limit=6)
    made.note(inbox, "thing5 thing5", title="late")
    made.work_through_everything()
    second = ask(inbox.scope, "thing5", limit=6, cursor=first.next_cursor)
    assert [hit.item.id for hit in (*first.hits, *second.hits)] == whole


def test_a_cursor_is_good_for_its_own_question_alone(inbox, shelf):
    shelf("one", "two", "three")
    cursor = ask(inbox.scope, "note", limit=1).next_cursor
    assert ask(inbox.scope, "note", limit=2, cursor=cursor).hits
    with pytest.raises(BadQuestion):
        ask(inbox.scope, "other", limit=1, cursor=cursor)


def forged(**changes) -> str:
    values = {"mark": "x", "offset": 1, "item": 1, "moment": "2026-01-01T00:00:00+00:00"} | changes
    listed = [values["mark"], values["offset"], values["item"], values["moment"], values["moment"]]
    return base64.urlsafe_b64encode(json.dumps(listed).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!", "ÿ", "\ud800", "a" * 5000, "[" * 400, "bnVsbA", forged(), forged(offset=-1), forged(offset=1.5),
     forged(item=2**70), forged(moment="now"), forged(moment="2026-01-01"), forged(offset=[1])],
)  # fmt: skip
def test_a_forged_cursor_is_refused(inbox, fake, cursor):
    with pytest.raises(BadQuestion):
        ask(inbox.scope, "note", cursor=cursor)


def test_a_page_costs_few_queries(inbox, shelf, django_assert_max_num_queries):
    shelf(*(f"a note about thing{n}" for n in range(24)))
    ask(inbox.scope, "thing5")
    with django_assert_max_num_queries(24):
        assert len(ask(inbox.scope, "thing5").hits) == 24


def test_before_anything_is_embedded_words_answer(inbox, fake):
    made.note(inbox, "tulips want sun", title="first")
    results = ask(inbox.scope, "tulips")
    assert titles(results) == ["first"]
    assert intake.inbox_of(inbox.scope.team_id) == inbox.collection


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", [(), ("tulips",)])
def test_a_search_that_takes_too_long_says_so(inbox, monkeypatch, words):
    made.note(inbox, "Tulips want sun.")
    monkeypatch.setattr(pace, "stretch", lambda: 3.0)
    with psycopg.connect(**connection.get_connection_params() | {"context": None, "cursor_factory": None}) as other:
        other.execute("LOCK TABLE part, item IN ACCESS EXCLUSIVE MODE")
        results = ask(inbox.scope, *words)
    assert found_nothing(results)
    assert TOO_SLOW in results.notes


def test_what_can_be_shown_is_shown_where_counting_takes_too_long(inbox, fake, monkeypatch):
    made.note(inbox, "tulips want sun", title="first")
    monkeypatch.setattr(browse, "COUNT", browse.COUNT.replace("FROM item", "FROM pg_sleep(9), item"))
    results = ask(inbox.scope)
    assert (titles(results), results.total_estimate) == (["first"], 1)
    assert TOO_SLOW in results.notes


def test_notes_are_in_the_language_of_who_asks(inbox, shelf, fake):
    shelf("roses want rain")
    fake.fault = "503"
    with translation.override("de"):
        assert "Der Embedder ist überlastet: nur nach Wörtern gesucht." in ask(inbox.scope, "roses").notes


def test_a_spent_budget_is_told_in_one_language(inbox, shelf, fake, monkeypatch):
    shelf("roses want rain")
    monkeypatch.setenv("TEAM_BUDGET_MONTH", "0")
    monkeypatch.setenv("PRICES", '{"fake": {"input": 1}}')
    config.load.cache_clear()
    provider.forget()
    budgets.forget()
    with translation.override("de"):
        (spent,) = [note for note in ask(inbox.scope, "tulips").notes if "Budget" in note]
    assert spent.startswith("Das Budget") and spent.endswith(" Nur nach Wörtern gesucht.")
