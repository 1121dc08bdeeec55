"""Marks, what is opened, and saved questions; how they are settled, and who may know of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from searchsite import config
from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Role
from searchsite.library import collections, trash
from searchsite.library.models import Visibility
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from searchsite.quality import judged, judging
from searchsite.quality.models import Judgement, Source, StoredQuestion
from searchsite.search.questions import BadQuestion, Question, Term, from_query
from tests import made

pytestmark = pytest.mark.django_db


def asked(address: str = "q=roses"):
    return from_query(QueryDict(address))


@pytest.fixture
def house():
    """alice leads garden, bob is in it; a note in the Inbox, one in alice's private collection."""
    alice, bob = made.person("alice"), made.person("bob")
    team = made.team_of(alice)
    teams.add_member(team, bob, role=Role.VIEWER)
    drawer = collections.create_collection(team, "drawer", maker=alice, visibility=Visibility.PRIVATE)
    return {
        "alice": alice,
        "bob": bob,
        "team": team,
        "open": made.note(made.place(alice, team), "Roses want rain."),
        "other": made.note(made.place(alice, team), "Roses are red."),
        "private": made.note(made.place(alice, team, drawer), "Roses for mother."),
    }


def scope(house, name):
    return scope_for(house[name], house["team"])


def test_the_last_word_counts_and_can_be_taken_back(house):
    alice, item = scope(house, "alice"), house["open"]
    judging.mark(asked(), item, scope=alice)
    judging.mark(asked("q=roses&sort=newest&mode=words"), item, scope=alice, grade=judging.NOT_THIS)
    assert judging.said_of(asked(), [item.public_id], scope=alice) == (False, {item.public_id: 0})
    assert StoredQuestion.objects.get().address == "q=roses"
    judging.unmark(asked(), item, scope=alice)
    assert not Judgement.objects.exists()


def test_nothing_is_an_answer_where_nothing_is_looked_for(house):
    with pytest.raises(BadQuestion):
        judging.mark(asked("kind=text"), house["open"], scope=scope(house, "alice"))


def test_what_is_not_seen_cannot_be_marked_or_opened(house):
    bob = scope(house, "bob")
    for say in (judging.mark, lambda *a, **k: judging.opened(*a, **k, place=1)):
        with pytest.raises(Refusal):
            say(asked(), house["private"], scope=bob)
    assert not StoredQuestion.objects.exists()
    # Whoever only looks may mark what they see.
    judging.mark(asked(), house["open"], scope=bob)


def test_a_mark_counts_instead_of_what_was_opened(house):
    alice = scope(house, "alice")
    judging.opened(asked(), house["other"], scope=alice, place=2)
    (one,) = judged.by_askers(house["team"])
    assert (dict(one.grades), one.by_marks) == ({house["other"].public_id: 1}, False)
    judging.mark(asked(), house["open"], scope=alice)
    (one,) = judged.by_askers(house["team"])
    assert (dict(one.grades), one.by_marks) == ({house["open"].public_id: 3}, True)
    assert judged.count(house["team"]) == (1, 0)


def test_what_is_said_to_be_no_answer_is_none_however_often_it_was_opened(house):
    alice = scope(house, "alice")
    for item in (house["open"], house["other"]):
        judging.opened(asked(), item, scope=alice, place=1)
    judging.mark(asked(), house["other"], scope=alice, grade=judging.NOT_THIS)
    (one,) = judged.by_askers(house["team"])
    assert dict(one.grades) == {house["open"].public_id: 1, house["other"].public_id: 0}


def test_the_same_question_of_two_people_shares_its_answers_and_ones_own_word_stands(house):
    judging.mark(asked(), house["open"], scope=scope(house, "bob"), grade=judging.NOT_THIS)
    judging.mark(asked(), house["other"], scope=scope(house, "bob"))
    judging.mark(asked(), house["open"], scope=scope(house, "alice"))
    grades = {one.scope.user_id: dict(one.grades) for one in judged.by_askers(house["team"])}
    assert grades[house["alice"].pk] == {house["open"].public_id: 3, house["other"].public_id: 3}
    assert grades[house["bob"].pk] == {house["open"].public_id: 0, house["other"].public_id: 3}


def test_what_is_private_is_neither_counted_nor_asked_for_the_team(house):
    alice = scope(house, "alice")
    judging.mark(asked("q=mother"), house["private"], scope=alice)
    judging.mark(asked("q=rain"), house["open"], scope=alice)
    assert [one.question.words for one in judged.by_askers(house["team"])] == ["rain"]
    assert judged.count(house["team"]) == (1, 0)
    drawer = house["private"].collection_id
    assert all(drawer not in one.scope.collection_ids for one in judged.by_askers(house["team"]))
    assert {one.question.words for one in judged.for_viewer(alice)} == {"mother", "rain"}
    assert [one.question.words for one in judged.for_viewer(scope(house, "bob"))] == ["rain"]


def test_what_others_only_opened_tells_nobody_what_they_asked(house):
    judging.opened(asked(), house["open"], scope=scope(house, "bob"), place=1)
    assert judged.for_viewer(scope(house, "alice")) == []
    assert len(judged.for_viewer(scope(house, "bob"))) == 1
    assert judged.count(house["team"]) == (0, 1)


def test_another_team_has_nothing_of_it(house):
    judging.mark(asked(), house["open"], scope=scope(house, "alice"))
    charlie = made.person("charlie")
    den = made.team_of(charlie, "den")
    assert judged.by_askers(den) == [] and judged.for_viewer(scope_for(charlie, den)) == []
    with pytest.raises(Refusal):
        judging.mark(asked(), house["open"], scope=scope_for(charlie, den))


def test_items_teams_and_people_take_their_judgements_with_them(house):
    alice = scope(house, "alice")
    judging.mark(asked(), house["open"], scope=alice)
    trash.trash(house["open"])
    assert judged.by_askers(house["team"]) == []
    trash.restore(house["open"])
    assert len(judged.by_askers(house["team"])) == 1
    house["open"].delete()
    assert not Judgement.objects.exists()
    judging.mark(asked(), house["other"], scope=scope(house, "bob"))
    house["bob"].delete()
    assert StoredQuestion.objects.filter(asked_by=house["alice"]).count() == StoredQuestion.objects.count()


def test_clicks_are_not_noted_where_they_are_not_to_be(house, monkeypatch):
    monkeypatch.setenv("RECORD_CLICKS", "false")
    config.load.cache_clear()
    try:
        judging.opened(asked(), house["open"], scope=scope(house, "alice"), place=1)
    finally:
        monkeypatch.undo()
        config.load.cache_clear()
    assert not StoredQuestion.objects.exists()


def test_old_clicks_idle_questions_and_those_who_left_are_forgotten(house):
    alice, bob = scope(house, "alice"), scope(house, "bob")
    judging.opened(asked(), house["open"], scope=alice, place=1)
    judging.mark(asked("q=kept"), house["open"], scope=alice)
    judging.mark(asked("q=gone"), house["open"], scope=bob)
    judging.save(asked("q=saved"), scope=alice)
    long_ago = timezone.now() - timedelta(days=181)
    Judgement.objects.filter(source=Source.CLICK).update(created_at=long_ago)
    StoredQuestion.objects.update(created_at=long_ago)
    Membership.objects.filter(user=house["bob"]).delete()
    judging.prune()
    assert {one.address for one in StoredQuestion.objects.all()} == {"q=kept", "q=saved"}


def test_saved_questions_are_ones_own(house, monkeypatch):
    alice, bob = scope(house, "alice"), scope(house, "bob")
    stored = judging.save(asked(), scope=alice)
    assert judging.said_of(asked("q=roses&sort=oldest"), [], scope=alice)[0]
    assert not judging.said_of(asked(), [], scope=bob)[0]
    assert not judging.forget(stored.public_id, scope=bob)
    assert judging.forget(stored.public_id, scope=alice) and judging.saved(alice) == []
    monkeypatch.setattr(judging, "MOST_SAVED", 0)
    with pytest.raises(Refusal, match="already"):
        judging.save(asked(), scope=alice)


@pytest.mark.parametrize(
    ("one", "same"),
    [("tag=a&tag=b&q=roses", "q=roses&tag=b&tag=a"), ("q=roses&kind=text&kind=image", "kind=image&q=roses&kind=text")],
)
def test_the_same_question_in_another_order_is_the_same(one, same):
    assert judging.address_of(asked(one)) == judging.address_of(asked(same))


def test_the_same_question_from_elsewhere_is_the_same(house):
    item = Term(item=house["open"].public_id)
    addresses = {judging.address_of(Question(terms)) for terms in ((item, Term(text="red")), (Term(text="red"), item))}
    assert len(addresses) == 1
