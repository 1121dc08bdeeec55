"""What a question's words demand of each hit: nothing else is found, whatever is near in meaning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.library import tags
from searchsite.library.models import Collection, Item, Visibility
from searchsite.library.scope import scope_for
from searchsite.search import facets, lookups, words
from searchsite.search.beside import beside
from searchsite.search.every import every
from searchsite.search.find import find
from searchsite.search.notices import TOO_SLOW
from searchsite.search.questions import Filters, Question, Term
from searchsite.search.wrong import BadQuestion, NotFound
from tests import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def garden(alice, team, inbox, fake):
    """Notes and pictures of two people in two collections, some tagged, of different ages."""
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    shed = Collection.objects.create(team=team, name="Old Shed", visibility=Visibility.TEAM, created_by=alice)
    items = {
        "tulips": made.note(inbox, "tulips want sun", title="tulips"),
        "roses": made.note(inbox, "roses want rain", title="roses"),
        "sun": made.note(made.place(bob, team), "the sun in the garden", title="sun"),
        "spade": made.note(made.place(bob, team, shed), "a spade for the garden", title="spade"),
        "red": made.picture(inbox, "red", title="red"),
    }
    for age, name in enumerate(("tulips", "roses", "sun", "spade", "red")):
        Item.objects.filter(pk=items[name].pk).update(created_at=timezone.now() - timedelta(days=10 * age, hours=1))
    made.work_through_everything()
    tags.change([items["roses"].pk], add=["thorny", "pink"], remove=[], team_id=team.pk)
    tags.change([items["tulips"].pk], add=["pink"], remove=[], team_id=team.pk)
    return items


@pytest.fixture
def scope(alice, team, garden):
    return scope_for(alice, team)


def asked(text: str, **fields) -> Question:
    return Question((Term(text=text),), limit=50, **fields)


def found(scope, text: str, **fields) -> set[str]:
    results = find(asked(text, **fields), scope)
    titles = [hit.item.title for hit in results.hits]
    assert len(titles) == len(set(titles)) == results.total_estimate
    return set(titles)


ALL = {"tulips", "roses", "sun", "spade", "red"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("garden", ALL),
        ("garden -sun", {"roses", "spade", "red"}),
        ("garden -tulip", {"roses", "sun", "spade", "red"}),
        ("-sun", {"roses", "spade", "red"}),
        ('-"want sun"', {"roses", "sun", "spade", "red"}),
        ('-"WANT  sün" -spade', {"roses", "sun", "red"}),
        ("-(want rain)", {"tulips", "sun", "spade", "red"}),
        ("-(sun OR rain)", {"spade", "red"}),
        ("garden kind:photo", {"red"}),
        ("kind:text -kind:photo garden", ALL - {"red"}),
        ("tag:pink", {"tulips", "roses"}),
        ("tag:Pink tag:thorny", {"roses"}),
        ("flower -tag:thorny tag:pink", {"tulips"}),
        ("in:inbox garden", ALL - {"spade"}),
        ('in:"old shed"', {"spade"}),
        ("-in:inbox", {"spade"}),
        ("by:bob", {"sun", "spade"}),
        ("-by:bob garden", {"tulips", "roses", "red"}),
        ("by:BOB", {"sun", "spade"}),
        ("-(the sun)", {"roses", "spade", "red"}),
        ("-(the of) garden", ALL),
        ("(the OR kind:photo) garden", {"red"}),
        ("(garden -sun)-spade", {"roses", "red"}),
        ("(-sun)(-spade) garden", {"roses", "red"}),
        ("age:>0h garden", ALL),
        ("age:<15d", {"tulips", "roses"}),
        ("age:15d garden", {"tulips", "roses"}),
        ("age:>3w", {"spade", "red"}),
        ("age:9999y", ALL),
        ("after:0001 before:9999", ALL),
        ("after:9999", set()),
        ("kind:photo OR tag:thorny", {"red", "roses"}),
        ("(kind:photo OR thorns) garden", {"red"}),
        ("(spade OR tag:thorny) garden", {"spade", "roses"}),
        ('("want rain" OR kind:photo) garden', {"roses", "red"}),
        ("(tag:pink OR by:bob) -(in:inbox by:bob)", {"tulips", "roses", "spade"}),
        ('"sun" -tulips', {"sun"}),
        ("garden -the", ALL),
    ],
)
def test_only_what_meets_the_conditions_is_found(scope, garden, text, left):
    assert found(scope, text) == left
    # The other ways to ask say the same.
    titles = dict(Item.objects.values_list("pk", "title"))
    assert {titles[pk] for pk in every(asked(text), scope)} == left
    kinds = facets.facets(asked(text), scope, ["kind"]).values["kind"]
    assert sum(value.count for value in kinds) == len(left)
    for name in left:
        assert beside(garden[name], asked(text), scope).total == len(left)
    for name in ALL - left:
        assert beside(garden[name], asked(text), scope).place is None


@pytest.mark.parametrize("text", ["by:nobody garden", "-by:nobody", "by:charlie", "in:nowhere", "-in:nowhere cat"])
def test_who_or_what_is_not_there_is_said(scope, garden, text):
    made.team_of(made.person("charlie"), "other")
    with pytest.raises(NotFound, match=r"There is (nobody|no collection) called"):
        find(asked(text), scope)


def test_a_collection_beside_the_filter_is_nothing_and_no_mistake(scope, garden, inbox):
    within = Filters(collections=(inbox.collection.public_id,))
    assert found(scope, 'in:"old shed" garden', filters=within) == set()
    assert found(scope, '-in:"old shed" garden', filters=within) == ALL - {"spade"}


def test_no_condition_is_dropped_for_being_one_too_many(scope, garden):
    quoted = Question(tuple(Term(text=" ".join(f'"word{n}{at}"' for n in range(5))) for at in range(2)))
    kept_out = Question(tuple(Term(text=" ".join(f"-word{n}" for n in range(20))) for _ in range(2)))
    for question in (quoted, kept_out):
        with pytest.raises(BadQuestion, match="at most"):
            find(question, scope)


def test_words_joined_by_or_are_looked_for_by_meaning_too(scope, garden):
    results = find(asked("spade OR roses"), scope)
    assert {hit.item.title for hit in results.hits[:2]} == {"spade", "roses"}
    assert len(results.hits) == len(ALL)


def test_conditions_alone_are_listed_by_date(scope, garden):
    results = find(asked("-spade kind:text"), scope)
    assert [hit.item.title for hit in results.hits] == ["tulips", "roses", "sun"]
    assert [hit.why for hit in results.hits] == [()] * 3


def test_conditions_and_filters_hold_together(scope, garden):
    assert found(scope, "garden -sun", filters=Filters(kinds=("text",), tags=("pink",))) == {"roses"}
    like = Question((Term(item=garden["tulips"].public_id), Term(text="-spade")))
    assert {hit.item.title for hit in find(like, scope).hits} == ALL - {"tulips", "spade"}


def test_what_is_not_to_be_near_is_no_condition(scope, garden):
    question = Question((Term(text="garden"), Term(text="tag:pink -x", weight=-1.0)), limit=50)
    assert len(find(question, scope).hits) == len(ALL)


def test_conditions_see_no_further_than_the_scope(alice, team, scope, garden):
    private = Collection.objects.create(team=team, name="Diary", visibility=Visibility.PRIVATE, created_by=alice)
    made.note(made.place(alice, team, private), "a secret spade", title="secret")
    made.work_through_everything()
    scope = scope_for(alice, team)
    bobs = scope_for(made.User.objects.get(username="bob"), team)
    assert found(bobs, "spade tag:pink OR secret") <= ALL
    assert found(bobs, "(spade OR kind:image) garden") == {"spade", "red"}
    assert "secret" in found(scope, "(spade OR kind:image) garden")
    with pytest.raises(NotFound, match="no collection called “diary”"):
        find(asked("in:diary"), bobs)


def test_mistakes_are_said_beside_the_hits(scope, garden):
    results = find(asked('garden "sun'), scope)
    assert len(results.hits) == len(ALL)
    assert any("quotation mark" in note for note in results.notes)


def test_conditions_that_take_too_long_are_not_dropped(scope, garden, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
    monkeypatch.setattr(lookups, "HAVING", lookups.HAVING.replace("FROM part", "FROM pg_sleep(9), part", 1))
    with pytest.raises(BadQuestion, match="too long"):
        find(asked("garden -sun"), scope)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before


def test_a_text_in_quotes_that_takes_too_long_finds_nothing_rather_than_all(scope, garden, monkeypatch):
    slow = words.MATCHES.replace("FROM part", "FROM pg_sleep(9), part", 1)
    monkeypatch.setattr(words, "MATCHES", slow)
    results = find(asked('"sun" garden'), scope)
    assert results.hits == ()
    assert TOO_SLOW in results.notes


def test_short_texts_in_quotes_are_words_of_their_own(scope, garden):
    assert found(scope, '"un"') == set()
    assert found(scope, '-"un"') == ALL
