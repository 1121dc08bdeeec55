"""All results of a question are those that paging to the end shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from searchsite.library import collections, trash
from searchsite.library.models import Item
from searchsite.library.scope import Scope, scope_for
from searchsite.search import find
from searchsite.search.every import every
from searchsite.search.questions import Filters, NotFound, Question, Term
from tests import made

RED = Question(terms=(Term(text="red house"),), limit=7)


@pytest.fixture
def scope(alice, team) -> Scope:
    return scope_for(alice, team)


@pytest.fixture
def house(fake, inbox, team, alice) -> list[Item]:
    """Thirty notes, twenty of them about red houses."""
    notes = [made.note(inbox, f"A red house number {number}") for number in range(20)]
    notes += [made.note(inbox, f"Something blue {number}") for number in range(10)]
    made.work_through_everything()
    return notes


def paged(question: Question, scope: Scope) -> list[int]:
    """What paging to the end shows."""
    found, cursor = [], None
    while True:
        results = find.find(replace(question, cursor=cursor), scope)
        found += [hit.item.id for hit in results.hits]
        cursor = results.next_cursor
        if cursor is None:
            return [*Item.objects.filter(public_id__in=found).values_list("pk", flat=True)]


@pytest.mark.parametrize(
    "question",
    [
        Question(limit=7),
        Question(filters=Filters(kinds=("text",)), sort="oldest", limit=7),
        RED,
        replace(RED, mode="words"),
        replace(RED, terms=(Term(text='"red house"'),)),
        replace(RED, sort="newest"),
    ],
)
def test_all_is_what_paging_to_the_end_shows(house, scope, question):
    found = every(question, scope)
    assert sorted(found) == sorted(paged(question, scope))
    assert len(found) == len(set(found)) == find.find(question, scope).total_estimate


def test_all_holds_to_the_filters_and_leaves_out_the_trash(house, alice, team):
    diary = collections.create_collection(team, "Diary", maker=alice)
    there = made.note(made.place(alice, team, diary), "A red house in the diary")
    trash.trash(house[0])
    scope = scope_for(alice, team)
    assert every(Question(filters=Filters(collections=(diary.public_id,))), scope) == [there.pk]
    assert house[0].pk not in every(RED, scope)


def test_what_came_later_is_left_out_on_wish(house, inbox, scope):
    moment = timezone.now()
    later = made.note(inbox, "A red house that came later")
    Item.objects.filter(pk=later.pk).update(created_at=Now())
    assert later.pk in every(RED, scope)
    assert later.pk not in every(RED, scope, until=moment)
    assert later.pk not in every(Question(), scope, until=moment)


def test_of_another_team_there_is_nothing(house, scope):
    charlie = made.person("charlie")
    den = scope_for(charlie, made.team_of(charlie, "den"))
    assert every(Question(), den) == every(RED, den) == []
    with pytest.raises(NotFound):
        every(Question(terms=(Term(item=house[0].public_id),)), den)
