"""Copies among the hits: folded behind the best, counted, listed by themselves, and never of what is not visible."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.http import QueryDict

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.indexing.models import Space
from searchsite.library import bulk, collections, duplicates, trash
from searchsite.library.models import Item, KeptApart, Kind
from searchsite.library.scope import scope_for
from searchsite.search import duplicates as alike
from searchsite.search import every, find, questions, reviewing
from searchsite.search.questions import NotFound
from tests import made
from tests.library.conftest import take
from tests.scenes import cut, file, scene, smaller


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def album(alice, team, inbox, fake):
    """A harbour three times, the third with its edges cut off, the same file in a private place, and two others."""
    secret = collections.create_collection(team, "Secret", maker=alice, visibility="private")
    shown = {
        "harbour big": (scene(1), inbox),
        "harbour small": (smaller(scene(1)), inbox),
        "harbour cut": (cut(scene(1), 1.5), inbox),
        "harbour mine": (scene(1), made.place(alice, team, secret)),
        "harbour other": (scene(2), inbox),
        "harbour third": (scene(5), inbox),
    }
    for title, (image, into) in shown.items():
        item = take(file(image), into).item
        Item.objects.filter(pk=item.pk).update(title=title)
    made.work_through_everything()
    duplicates.compare(seconds=5)
    return {item.title.removeprefix("harbour "): item for item in Item.objects.all()}


@pytest.fixture
def scope(alice, team, album):
    return scope_for(alice, team)


def search(scope, query: str = "q=harbour&mode=words", **more):
    question = questions.from_query(QueryDict(query))
    return find.find(replace(question, **more), scope)


def names(results) -> list[str]:
    return [hit.item.title.removeprefix("harbour ") for hit in results.hits]


def copies(results) -> dict[str, set[str]]:
    titles = {item.public_id: item.title.removeprefix("harbour ") for item in Item.objects.all()}
    return {titles[hit.item.id]: {titles[one] for one in hit.copies} for hit in results.hits if hit.copies}


def agree() -> None:
    """Make all vectors of pictures one, as embedders see a picture whose edges were cut off; the tests' does not."""
    table = f"embedding_{made.active_space().pk}"
    one = f"SELECT vector FROM {table} WHERE channel = 'image' LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET vector = ({one}) WHERE channel = 'image'")


def test_only_the_best_of_copies_is_listed_and_all_are_counted(scope):
    plain = search(scope)
    assert len(plain.hits) == 6 == plain.total_estimate
    folded = search(scope, fold=True)
    kept = set(names(folded))
    assert {"other", "third", "cut"} <= kept and len(kept & {"big", "small", "mine"}) == 1
    assert folded.total_estimate == 6
    (best,) = kept & {"big", "small", "mine"}
    assert copies(folded) == {best: {"big", "small", "mine"} - {best}}


def test_unfolded_hits_say_which_are_copies_of_them(scope):
    assert copies(search(scope))["big"] == {"small", "mine"}


def test_pages_do_not_bring_copies_back(scope):
    seen, cursor = [], None
    while True:
        page = search(scope, fold=True, limit=1, cursor=cursor)
        seen += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 4 == len(set(seen))


def test_cut_edges_need_the_vectors_word_and_screenshots_have_none(scope, album):
    assert "cut" not in copies(search(scope))
    agree()
    assert copies(search(scope))["cut"] == {"big", "small", "mine"}
    Item.objects.update(kind=Kind.SCREENSHOT)
    assert "cut" not in copies(search(scope))
    assert copies(search(scope))["big"] == {"small", "mine"}


def test_without_a_space_what_is_sure_is_folded_still(scope):
    Space.objects.update(status="retired")
    assert copies(search(scope))["big"] == {"small", "mine"}


def test_the_copies_of_one_are_listed_by_themselves(scope, album):
    found = search(scope, f"q=harbour&copies={album['big'].public_id}")
    assert set(names(found)) == {"big", "small", "mine"} and found.total_estimate == 3
    assert set(names(search(scope, f"copies={album['big'].public_id}"))) == {"big", "small", "mine"}
    assert names(search(scope, f"q=harbour&copies={album['other'].public_id}")) == ["other"]
    with pytest.raises(NotFound):
        search(scope, "q=harbour&copies=11111111-1111-4111-8111-111111111111")


def test_all_results_are_all_folded_or_not(scope, album):
    question = questions.from_query(QueryDict("q=harbour&mode=words&fold=true"))
    assert len(every.every(question, scope)) == 6
    question = questions.from_query(QueryDict(f"q=harbour&mode=words&copies={album['small'].public_id}"))
    assert set(every.every(question, scope)) == {album[name].pk for name in ("big", "small", "mine")}


def test_what_is_not_visible_is_no_copy(team, album):
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    scope = scope_for(bob, team)
    assert set(copies(search(scope))["big"]) == {"small"}
    with pytest.raises(NotFound):
        search(scope, f"q=harbour&copies={album['mine'].public_id}")
    assert set(names(search(scope, f"copies={album['big'].public_id}"))) == {"big", "small"}
    everything = [item.pk for item in album.values()]
    named = {pk for one, _a, other, _b in alike.among(everything, scope, None) for pk in (one, other)}
    assert named == {album["big"].pk, album["small"].pk} == set(alike.of(album["big"].public_id, scope))
    assert [len(group.copies) for group in reviewing.review(scope, first=0, number=9).groups] == [2]
    trash.trash(album["small"])
    assert copies(search(scope)) == {} and reviewing.review(scope, first=0, number=9).total == 0


def test_viewers_review_nothing(team, album):
    vera = made.person("vera")
    teams.add_member(team, vera, role=Role.VIEWER)
    assert reviewing.review(scope_for(vera, team), first=0, number=9).total == 0


def test_the_largest_is_proposed_and_then_the_one_that_is_cared_for(scope, album):
    (group,) = reviewing.review(scope, first=0, number=9).groups
    assert [one.best for one in group.copies] == [True, False, False]
    # Of the two of the same bytes, the older.
    assert [one.item.title.removeprefix("harbour ") for one in group.copies] == ["big", "mine", "small"]
    Item.objects.filter(pk=album["big"].pk).update(title="IMG_1")
    (group,) = reviewing.review(scope, first=0, number=9).groups
    assert group.copies[0].item.pk == album["mine"].pk


def test_what_is_kept_apart_is_neither_folded_nor_offered(scope, album):
    duplicates.keep_apart([album[name].pk for name in ("big", "small", "mine")], scope=scope)
    assert KeptApart.objects.count() == 3
    assert copies(search(scope)) == {} == copies(search(scope, fold=True))
    assert reviewing.review(scope, first=0, number=9).total == 0


def test_moving_and_restoring_bring_groups_back(scope, album):
    done = bulk.trash_all([album["small"].pk, album["mine"].pk], scope=scope).done
    assert copies(search(scope)) == {}
    bulk.restore_all(done, scope=scope)
    assert copies(search(scope))["big"] == {"small", "mine"}
