"""What a selection is asked for: some items or all results, by people who may change all, some or none of them."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import strip_tags

from searchsite.accounts.models import User
from searchsite.library import collections, trash
from searchsite.library.bulk import Outcome, Skipped
from searchsite.library.models import Collection, Item
from searchsite.web import outcomes
from tests import made
from tests.web.conftest import text

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def items(garden) -> list[Item]:
    place = made.place(User.objects.get(username="alice"), garden)
    return [made.note(place, f"Walnut bread number {number}", f"Recipe {number}") for number in range(4)]


@pytest.fixture
def diary(garden) -> Collection:
    return collections.create_collection(garden, "Diary", maker=User.objects.get(username="alice"))


def named(items: list[Item]) -> str:
    return " ".join(str(one.public_id) for one in items)


def ask(client, what: str, /, **given):
    return client.post(f"/selection/{what}", given, headers=SCRIPT)


def where(items: list[Item]) -> list[str]:
    rows = Item.objects.filter(pk__in=[one.pk for one in items]).order_by("pk")
    return list(rows.values_list("collection__name", flat=True))


def test_some_are_moved_and_moved_back(alice, items, diary):
    answer = ask(alice, "move", id=named(items[:3]), target=diary.public_id)
    assert "3 items moved to “Diary”." in text(answer)
    assert where(items) == ["Diary"] * 3 + ["Inbox"]
    key = text(answer).split('name="key" value="')[1].split('"')[0]
    assert "3 items are back." in text(ask(alice, "undo", key=key))
    assert where(items) == ["Inbox"] * 4
    assert ask(alice, "undo", key=key).status_code == 404


def test_what_was_done_is_undone_by_who_did_it_alone(alice, signed_in, items):
    key = text(ask(alice, "trash", id=named(items))).split('name="key" value="')[1].split('"')[0]
    for other in ("bob", "vera", "charlie"):
        assert ask(signed_in(other), "undo", key=key).status_code == 404
    assert "4 items are back." in text(ask(alice, "undo", key=key))


def test_the_last_five_can_be_undone_and_what_is_kept_lies_apart_from_sign_ins(alice, items):
    keys = []
    for _ in range(7):
        keys.append(text(ask(alice, "trash", id=named(items))).split('name="key" value="')[1].split('"')[0])
        for one in Item.objects.filter(trashed_at__isnull=False):
            trash.restore(one)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM list_entry), (SELECT count(*) FROM cache_entry)")
        assert cursor.fetchone() == (6, 0)
    assert [ask(alice, "undo", key=key).status_code for key in keys] == [404] * 2 + [200] * 5


def test_a_new_collection_is_made_on_the_way(alice, items):
    assert "4 items moved to “Autumn”." in text(ask(alice, "move", id=named(items), target="new", name=" Autumn "))
    assert where(items) == ["Autumn"] * 4
    assert ask(alice, "move", id=named(items), target="new", name="autumn").status_code == 409
    assert ask(alice, "move", id=named(items), target="new", name=" ").status_code == 422


def test_all_results_are_all_and_not_what_came_later(alice, items, diary, garden):
    moment = timezone.now().isoformat()
    later = made.note(made.place(User.objects.get(username="alice"), garden), "Walnut bread that came later")
    answer = alice.post("/selection/count?q=walnut&mode=words", {"all": "1", "until": moment}, headers=SCRIPT)
    assert (answer.json()["number"], answer.json()["writable"]) == (4, 4)
    assert answer.json()["said"] == "All 4 results are selected."
    given = {"all": "1", "until": moment, "except": str(items[0].public_id), "target": str(diary.public_id)}
    alice.post("/selection/move?q=walnut&mode=words", given, headers=SCRIPT)
    assert where([*items, later]) == ["Inbox", "Diary", "Diary", "Diary", "Inbox"]


def test_all_of_a_filter_are_found_again_when_acted_on(alice, items, diary):
    ask(alice, "move", id=named(items[:2]), target=diary.public_id)
    answer = alice.post(f"/selection/trash?collection={diary.public_id}", {"all": "1"}, headers=SCRIPT)
    assert "2 items are in the trash." in text(answer)
    assert where(items) == ["Trash", "Trash", "Inbox", "Inbox"]


def test_many_are_thrown_away_only_after_the_number_was_said(alice, signed_in, items):
    asked = text(alice.post("/selection/discarding?kind=text", {"all": "1"}, headers=SCRIPT))
    assert "Move 4 items to the trash?" in asked
    assert "4 of the selected you may not change" in text(ask(signed_in("vera"), "discarding", id=named(items)))


def test_tags_are_shown_with_how_many_have_them(alice, items):
    ask(alice, "tag", id=named(items[:2]), add="Bread, Sourdough")
    ask(alice, "tag", id=named(items), add="food")
    shown = text(ask(alice, "tags", id=named(items[:3])))
    assert 'value="food" data-tag data-state="all"' in shown and 'value="bread" data-tag data-state="some"' in shown
    assert "2 of 3" in shown
    ask(alice, "tag", id=named(items), add=["rye"], remove=["food", "bread"])
    again = text(ask(alice, "tags", id=named(items)))
    assert 'value="rye" data-tag data-state="all"' in again and "food" not in again.split("</datalist>")[1]


def test_tags_of_what_one_may_not_see_are_not_suggested(garden, alice, signed_in, items):
    secret = collections.create_collection(
        garden, "Secret", maker=User.objects.get(username="alice"), visibility="private"
    )
    ask(alice, "tag", id=named(items[:1]), add="hush")
    ask(alice, "move", id=named(items[:1]), target=secret.public_id)
    assert "hush" not in text(ask(signed_in("bob"), "tags", id=named(items)))


def test_a_mixed_selection_changes_what_may_be_changed(garden, alice, signed_in, items, diary):
    secret = collections.create_collection(
        garden, "Secret", maker=User.objects.get(username="alice"), visibility="private"
    )
    ask(alice, "move", id=named(items[:1]), target=secret.public_id)
    answer = text(ask(signed_in("bob"), "move", id=f"{named(items)} {uuid4()}", target=diary.public_id))
    assert "3 items moved to “Diary”." in answer and "2 skipped: not there any more." in answer
    assert "Recipe 0" not in answer and where(items) == ["Secret"] + ["Diary"] * 3


@pytest.mark.parametrize("what", ["trash", "tag", "kind", "move"])
def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(signed_in, items, diary, what):
    given = {"id": named(items), "add": "x", "as": "image", "target": str(diary.public_id)}
    looks = ask(signed_in("vera"), what, **given)
    assert looks.status_code == (403 if what == "move" else 200)
    assert what == "move" or "4 skipped: you may not change it." in text(looks)
    assert ask(signed_in("charlie"), what, **given).status_code == 404
    assert where(items) == ["Inbox"] * 4


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 422),
        ({"id": "nonsense"}, 422),
        ({"id": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"all": "1", "until": "yesterday"}, 422),
        ({"all": "1", "until": "9999-12-31T23:59:59-23:59"}, 422),
        ({"all": "1", "until": "0001-01-01T00:00:00+23:59"}, 422),
        ({"all": "1", "until": "9999-12-31T23:59:59Z"}, 200),
        ({"id": "\x00"}, 422),
    ],
)
def test_a_selection_that_is_none_is_refused_in_words(alice, items, given, status):
    assert ask(alice, "trash", **given).status_code == status


def test_a_question_that_makes_no_sense_is_refused(alice, items):
    assert alice.post("/selection/trash?sort=odd", {"all": "1"}, headers=SCRIPT).status_code == 422
    assert alice.post(f"/selection/trash?like={uuid4()}", {"all": "1"}, headers=SCRIPT).status_code == 404


def test_without_a_script_the_place_is_chosen_on_a_page(alice, items, diary):
    here = f"/items/{items[0].public_id}"
    page = text(alice.get(f"/selection/move?id={items[0].public_id}&next={here}"))
    assert "Diary" in page and f'name="id" value="{items[0].public_id}"' in page
    given = {"id": items[0].public_id, "target": diary.public_id, "next": here}
    answer = alice.post("/selection/move", given)
    assert answer["Location"] == here and "1 item moved to “Diary”." in text(alice.get(here))


def test_nobody_is_sent_elsewhere(alice, items, diary):
    given = {"id": items[0].public_id, "target": diary.public_id, "next": "https://example.org/"}
    assert alice.post("/selection/move", given)["Location"] == "/"


def test_a_target_that_is_not_there_is_404(alice, charlie, items):
    theirs = collections.create_collection(
        User.objects.get(username="charlie").memberships.get().team,
        "Theirs",
        maker=User.objects.get(username="charlie"),
    )
    assert ask(alice, "move", id=named(items), target=theirs.public_id).status_code == 404
    assert ask(alice, "move", id=named(items), target="x").status_code == 422


def test_pictures_are_told_what_they_are(alice, garden, items):
    photo = made.picture(made.place(User.objects.get(username="alice"), garden))
    answer = text(ask(alice, "kind", id=f"{named(items)} {photo.public_id}", **{"as": "screenshot"}))
    assert "1 item is a screenshot now." in answer and "4 skipped: a text stays a text." in answer
    assert ask(alice, "kind", id=named(items), **{"as": "text"}).status_code == 422
    assert Item.objects.get(pk=photo.pk).kind == "screenshot"


@pytest.mark.parametrize(
    ("template", "given"),
    [
        ("selection/_discarding.html", {"number": 1234, "read_only": 5678}),
        ("selection/_tags.html", {"number": 5678, "read_only": 2345, "counted": [("sea", 1234)]}),
        ("selection/_outcome.html", {"said": "1.234", "skipped": [("Sea", "gone")], "more": 5678}),
        ("search/_empty.html", {"why": {"relaxed": "/", "unfiltered": 1234, "waiting": 5678, "items": 9012}}),
    ],
)
def test_large_numbers_have_their_thousands_apart(db, template, given) -> None:
    with translation.override("de"):
        shown = strip_tags(render_to_string(template, given))
    assert "1.234" in shown and "5.678" in shown and re.search(r"\d{4}", shown) is None


def test_reasons_write_their_numbers_as_the_language_does() -> None:
    left = Outcome({}, tuple(Skipped(pk, "", "read-only") for pk in range(1234)))
    with translation.override("de"):
        assert outcomes.reasons_of(left)[0].startswith("1.234 ")
