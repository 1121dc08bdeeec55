"""Counts under a question."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import pytest
from django.db import connection
from django.http import QueryDict

from searchsite.accounts import teams
from searchsite.accounts.models import Role, User
from searchsite.library import collections, tags
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from searchsite.search import facets, pace, questions
from searchsite.search.lookups import Lookups
from tests import made

MANY = """
INSERT INTO item (public_id, team_id, collection_id, created_by_id, kind, kind_set_by, title, source_url, placeholder)
SELECT gen_random_uuid(), %(team)s, %(inbox)s, %(by)s, 'text', 'rule', 'one of many', '', ''
FROM generate_series(1, %(number)s)
"""


@pytest.fixture
def shelf(alice, team, inbox):
    """Three notes and a picture, of two people, in two collections and two months."""
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    attic = collections.create_collection(team, "Attic", maker=alice)
    oak, ash = made.note(inbox, "an oak tree", "oak"), made.note(made.place(bob, team, attic), "an ash tree", "ash")
    fir, red = made.note(inbox, "a fir", "fir"), made.picture(inbox, "red", "a tree in autumn")
    scope = scope_for(alice, team)
    for item, names in ((oak, ["tree", "old"]), (ash, ["tree"]), (red, ["tree", "old"])):
        tags.set_all(item, names)
    Item.objects.filter(pk=fir.pk).update(created_at=datetime(2025, 3, 31, 23, 59, tzinfo=UTC))
    return scope


def counted(scope, query: str = "", *wanted: str) -> dict[str, dict[str, int]]:
    question = questions.from_query(QueryDict(query))
    found = facets.facets(question, scope, wanted or facets.FACETS)
    return {name: {one.label: one.count for one in values} for name, values in found.values.items()}


def test_browsing_is_counted_by_everything(shelf):
    found = counted(shelf)
    assert found["kind"] == {"Image": 1, "Text": 3}
    assert found["collection"] == {"Inbox": 3, "Attic": 1}
    assert found["tag"] == {"tree": 3, "old": 2} and found["by"] == {"alice": 3, "bob": 1}
    assert found["month"]["2025-03"] == 1 and sum(found["month"].values()) == 4


def test_a_facet_is_counted_without_its_own_filter_alone(shelf):
    found = counted(shelf, "kind=image&by=alice")
    assert found["kind"] == {"Image": 1, "Text": 2}
    assert found["by"] == {"alice": 1}
    assert found["collection"] == {"Inbox": 1}


def test_tags_are_counted_with_those_chosen(shelf):
    assert counted(shelf, "tag=old", "tag") == {"tag": {"old": 2, "tree": 2}}


def test_months_are_counted_whatever_month_is_chosen(shelf):
    found = counted(shelf, "after=2025-03-01&before=2025-04-01", "month", "kind")
    assert len(found["month"]) == 2 and found["kind"] == {"Text": 1}


def test_a_question_with_words_is_counted_over_what_it_finds(shelf):
    found = counted(shelf, "q=tree&mode=words")
    assert found["kind"] == {"Image": 1, "Text": 2} and found["by"] == {"alice": 2, "bob": 1}
    assert counted(shelf, "q=tree&mode=words&kind=text", "kind", "tag") == {
        "kind": {"Image": 1, "Text": 2},
        "tag": {"tree": 2, "old": 1},
    }


def test_a_stranger_counts_nothing(shelf):
    charlie = made.person("charlie")
    scope = scope_for(charlie, made.team_of(charlie, "den"))
    assert not any(counted(scope).values()) and not any(counted(scope, "q=tree&mode=words").values())


def test_a_private_collection_is_counted_for_its_owner_alone(shelf, alice, team):
    own = collections.create_collection(team, "Own", maker=alice, visibility="private")
    Item.objects.update(collection=own)
    assert counted(scope_for(alice, team), "", "collection") == {"collection": {"Own": 4}}
    assert counted(scope_for(User.objects.get(username="bob"), team), "", "collection") == {"collection": {}}


def test_very_many_are_counted_up_to_a_cap_that_is_told(shelf, inbox, alice, team):
    for number, capped in ((5_000, {"tag"}), (5_000, {"tag", "kind"})):
        with connection.cursor() as cursor:
            cursor.execute(MANY, {"number": number, "team": team.pk, "inbox": inbox.collection.pk, "by": alice.pk})
        whole = facets.facets(questions.Question(), shelf, ["kind", "tag"])
        assert whole.capped == capped
    assert sum(one.count for one in whole.values["kind"]) == facets.MOST_COUNTED
    few = facets.facets(questions.from_query(QueryDict("tag=tree")), shelf, ["kind"])
    assert few.capped == frozenset()


def test_a_foreign_collection_is_not_there(shelf):
    with pytest.raises(questions.NotFound):
        counted(shelf, "collection=00000000-0000-4000-8000-000000000000")


def test_conditions_are_looked_up_once_for_all_groups_of_counts(inbox, monkeypatch):
    made.note(inbox, "a boat", title="boat")
    asked = []
    read = Lookups.read
    monkeypatch.setattr(Lookups, "read", lambda *given: asked.append(1) or read(*given))
    narrowed = questions.Filters(kinds=("text",), after=date(2020, 1, 1))
    question = questions.Question((questions.Term(text="-sun"),), narrowed)
    assert facets.facets(question, inbox.scope).values["kind"][0].count == 1
    assert len(asked) == 1


def test_tags_are_looked_up_once_for_all_counts(shelf, monkeypatch):
    truly, asked = Lookups.having_all, []
    monkeypatch.setattr(Lookups, "having_all", lambda self, tags: asked.append(tags) or truly(self, tags))
    assert counted(shelf, "q=tree&tag=old&kind=image&by=alice&after=2020-01-01")["by"] == {"alice": 1}
    assert asked == [("old",)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["q=oak&kind=text", "kind=text"])
def test_counts_that_take_too_long_are_the_least_there_is(shelf, query, monkeypatch):
    monkeypatch.setattr(pace, "stretch", lambda: 2.0)
    question = questions.from_query(QueryDict(query))
    with psycopg.connect(**connection.get_connection_params() | {"context": None, "cursor_factory": None}) as other:
        other.execute("LOCK TABLE part, item IN ACCESS EXCLUSIVE MODE")
        found = facets.facets(question, shelf)
    assert found.capped == set(facets.FACETS)
    assert not any(found.values.values())
    assert not facets.facets(question, shelf).capped
