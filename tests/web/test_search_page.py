"""The search page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from searchsite.accounts.models import Team, User
from searchsite.indexing.models import Space
from searchsite.library import collections
from searchsite.library.models import Item
from searchsite.search import pace
from tests.web.conftest import picture, text


def test_it_shows_the_newest_without_a_question(alice, note):
    page = text(alice.get("/"))
    assert "Recipe" in page and "1 item" in page and "Let it rest overnight." in page


def test_it_finds_by_words_and_marks_them(alice, note):
    page = text(alice.get("/search", {"q": "walnut"}))
    assert "<mark>Walnut</mark> bread" in page and "1 result" in page


def test_a_stranger_sees_nothing_of_it(charlie, note):
    page = text(charlie.get("/", {"q": "walnut"}))
    assert "Recipe" not in page and "Your library is empty" in page


def test_an_empty_library_says_so(alice):
    assert "Your library is empty" in text(alice.get("/"))


def test_filters_are_chips_that_can_be_taken_off(alice, note):
    page = text(alice.get("/", {"q": "walnut", "by": "bob", "after": "2026-01-01"}))
    assert "By bob" in page and "Since 2026-01-01" in page
    assert 'href="/?q=walnut&amp;after=2026-01-01"' in page and "Search without filters" in page


def test_an_empty_page_says_what_each_filter_keeps_away(alice, note):
    page = text(alice.get("/", {"q": "walnut", "kind": "image", "after": "2026-01-01"}))
    assert "without them there is 1 result" in page
    assert 'href="/?q=walnut&amp;after=2026-01-01"' in page and "Without Photo" in page
    assert "Without Since" not in page


def test_an_empty_page_with_many_filters_counts_without_each(alice, note):
    typed = "walnut " + " ".join(f"-tag:t{number}" for number in range(4))
    page = text(alice.get("/", {"q": typed, "kind": "image", "after": "2026-01-01"}))
    assert "without them there is 1 result" in page and "Without Photo" in page


@pytest.mark.django_db(transaction=True)
def test_an_empty_page_names_the_filters_where_there_is_no_time_to_count_without_them(alice, note, monkeypatch):
    monkeypatch.setattr(pace, "stretch", lambda: 2.0)
    asked = {"q": "walnut", "kind": "image", "after": "2026-01-01", "mode": "words"}
    with psycopg.connect(**connection.get_connection_params() | {"context": None, "cursor_factory": None}) as other:
        other.execute("LOCK TABLE part IN ACCESS EXCLUSIVE MODE")
        page = text(alice.get("/", asked))
    assert "It may be the filters that leave nothing" in page
    assert "Without Photo" in page and "Without Since 2026-01-01" in page
    assert "It may be the filters" not in text(alice.get("/", asked))


def test_what_was_understood_of_the_words_is_chips_that_can_be_taken_out(alice, note):
    asked = {"q": 'walnut "let it" -snow kind:note or by:alice -(red OR blue) after:2026-01 age:<2w', "kind": "text"}
    chips = {chip.label: chip for chip in alice.get("/", asked).context["chips"]}
    said = ["Exactly “let it”", "Not the word “snow”", "Text", "By alice", "Not: (the word “red” or the word “blue”)"]
    assert list(chips) == [*said, "Since 2026-01-01", "Of the last 14 days"]
    without = QueryDict(chips["Text"].without.partition("?")[2])
    assert without["q"] == 'walnut "let it" -snow or by:alice -(red OR blue) after:2026-01 age:<2w'
    assert without["kind"] == "text"
    assert 'aria-label="Remove: By alice"' in text(alice.get("/", asked))
    assert "OR is written in capitals" in text(alice.get("/", asked))
    assert alice.get("/", {"q": "walnut kind:hologram"}).context["chips"] == []


def test_the_last_condition_leaves_a_plain_page(alice, note):
    (chip,) = alice.get("/", {"q": "(kind:note)"}).context["chips"]
    assert chip.without == "/"


def test_an_empty_page_says_what_each_typed_condition_keeps_away(alice, note):
    page = alice.get("/", {"q": "walnut kind:photo -recipe by:alice"})
    assert page.status_code == 200 and page.context["why"].ways == ()
    assert page.context["why"].relaxed == "/?q=walnut" and "without them there is 1 result" in text(page)
    page = text(alice.get("/", {"q": "walnut kind:photo by:alice"}))
    assert "Without Photo" in page and 'href="/?q=walnut+by%3Aalice"' in page and "Without By alice" not in page
    assert "Without “Not the word “walnut””" in text(alice.get("/", {"q": "bread -walnut"}))
    assert "Search without filters" not in text(alice.get("/", {"q": "zebra", "mode": "words"}))


def test_every_piece_of_a_question_is_a_chip_and_can_be_turned_round(alice, note):
    one = str(note.public_id)
    kept = alice.post("/search/picture", {"file": picture()})["Location"].partition("picture=")[2]
    page = alice.get("/", [("q", "bread"), ("q", "rest"), ("not", "snow"), ("like", one), ("unpicture", kept)])
    chips = {chip.label: chip for chip in page.context["chips"]}
    assert list(chips) == ["“rest”", "Not like your picture", "Like “Recipe”", "Not like “snow”"]
    turned = QueryDict(chips["Not like your picture"].turned.partition("?")[2])
    assert turned["picture"] == kept and "unpicture" not in turned and turned.getlist("q") == ["bread", "rest"]
    assert QueryDict(chips["Like “Recipe”"].turned.partition("?")[2])["unlike"] == one
    assert "not" not in QueryDict(chips["Not like “snow”"].without.partition("?")[2])
    # The box keeps the first of two texts, and the form sends both.
    assert page.context["words"] == "bread" and ("q", "rest") in page.context["kept"]


def test_a_hit_can_be_added_as_what_is_not_wanted(alice, note):
    page = text(alice.get("/", {"q": "walnut", "kind": "text", "sort": "newest"}))
    assert f'href="/?q=walnut&amp;kind=text&amp;sort=newest&amp;unlike={note.public_id}"' in page
    assert "unlike=" not in text(alice.get("/", {"kind": "text"}))
    full = [("q", f"walnut {number}") for number in range(8)]
    assert "unlike=" not in text(alice.get("/", full))


def test_a_picture_is_added_to_the_question(alice, note):
    page = text(alice.get("/", {"q": "walnut", "like": str(note.public_id)}))
    assert "Add a picture" in page and 'name="not"' in page
    within = f"q=walnut&like={note.public_id}&kind=text"
    form = text(alice.get("/search/picture", {"in": within}))
    assert f'name="in" value="q=walnut&amp;like={note.public_id}&amp;kind=text"' in form and 'value="walnut"' in form
    sent = alice.post("/search/picture", {"file": picture(), "in": within, "q": "bread"})
    asked = QueryDict(sent["Location"].partition("?")[2])
    assert asked["q"] == "bread" and asked["like"] == str(note.public_id) and asked["kind"] == "text"
    assert asked["picture"]


def test_a_person_is_found_by_the_same_rule_in_the_box_and_by_the_filter(alice, charlie, note):
    for asked in ({"q": "by:ALICE"}, {"by": "ALICE"}):
        assert "Recipe" in text(alice.get("/", asked))
    assert alice.get("/", {"q": "by:charlie"}).status_code == 404
    assert "Recipe" not in text(alice.get("/", {"by": "charlie"}))


def test_the_box_tells_what_it_reads(alice, note):
    page = text(alice.get("/"))
    assert 'href="/search/tips" data-keys-help="box-words"' in page
    tips = text(alice.get("/search/tips"))
    assert "Exactly these words" in tips and "age:&lt;1w" in tips


def test_the_last_days_are_one_click_away(alice, note):
    page = text(alice.get("/search/facets", {"q": "walnut", "before": "2020-01-01"}))
    first = (timezone.localdate() - timedelta(6)).isoformat()
    assert f'href="/?q=walnut&amp;after={first}"' in page and "Last 30 days" in page
    chosen = text(alice.get("/search/facets", {"q": "walnut", "after": first}))
    assert f'href="/?q=walnut" data-after="{first}" data-before="" aria-current="true"' in chosen


def test_an_empty_page_says_that_items_are_still_worked_on(alice, note):
    page = text(alice.get("/", {"q": "zebra", "mode": "words"}))
    assert "Nothing in the library fits" in page and "1 of 1 items is still being worked on" in page


def test_a_month_is_one_chip(alice, note):
    page = text(alice.get("/", {"after": "2025-03-01", "before": "2025-04-01"}))
    assert "March 2025" in page and "Since 2025" not in page
    assert ">2025</span>" in text(alice.get("/", {"after": "2025-01-01", "before": "2026-01-01"}))


def test_lists_by_date_have_days_or_months_as_heads(alice, note):
    assert "<h2>Today</h2>" in text(alice.get("/"))
    other = alice.post("/notes/new", {"text": "Another day"})
    assert other.status_code in (200, 201, 302)
    Item.objects.filter(pk=note.pk).update(created_at=datetime(2025, 3, 1, tzinfo=UTC))
    page = text(alice.get("/", {"q": "walnut", "sort": "newest"}))
    assert "1 March 2025</h2>" in page
    assert "<h2>March 2025</h2>" in text(alice.get("/"))
    assert 'data-line="2025' not in text(alice.get("/", {"q": "walnut"}))


def test_the_filters_are_counted_for_the_drawer_and_as_a_page(alice, note):
    asked = {"q": "walnut", "mode": "words", "kind": "image"}
    part = text(alice.get("/search/facets", asked, headers={"HX-Request": "true"}))
    assert "<html" not in part and 'name="kind" value="text">' in part
    assert 'name="q" value="walnut"' in part and 'name="kind" value="image" checked>' in part
    assert "<html" in text(alice.get("/search/facets", asked))
    assert alice.get("/search/facets", {"collection": "7"}).status_code == 404


def test_the_drawer_keeps_what_it_does_not_show(alice, note):
    """A collection where the question finds nothing, and whose copies are looked at."""
    empty = collections.create_collection(
        Team.objects.get(name="garden"), "empty", maker=User.objects.get(username="alice")
    )
    asked = {"q": "walnut", "collection": str(empty.public_id), "copies": str(note.public_id)}
    page = text(alice.get("/search/facets", asked, headers={"HX-Request": "true"}))
    for name in ("collection", "copies"):
        assert f'<input type="hidden" name="{name}" value="{asked[name]}">' in page


def test_no_filter_names_what_a_stranger_has(charlie, note):
    page = text(charlie.get("/search/facets"))
    assert "alice" not in page and 'value="text"' not in page


def test_the_drawer_stays_as_it_was_left(alice, note):
    assert 'aria-expanded="false" aria-controls="drawer"' in text(alice.get("/"))
    alice.cookies["drawer"] = "open"
    assert 'aria-expanded="true" aria-controls="drawer"' in text(alice.get("/"))


def test_a_search_says_what_the_browser_may_keep_of_it(alice, note):
    page = text(alice.get("/", {"q": "walnut", "kind": "text", "sort": "newest"}))
    assert 'data-url="/?q=walnut" data-words="walnut" data-label="walnut"' in page
    assert "data-url=" not in text(alice.get("/", {"kind": "text"}))


def test_the_box_keeps_filters_and_pictures(alice, note):
    page = text(alice.get("/", {"like": str(note.public_id), "kind": "text"}))
    assert f'<input type="hidden" name="like" value="{note.public_id}">' in page
    assert '<input type="hidden" name="kind" value="text">' in page
    assert "Like “Recipe”" in page and "Add words to the picture" in page


def test_more_results_come_with_and_without_a_script(alice, note):
    for number in range(25):
        alice.post("/notes/new", {"text": f"Note {number}"})
    first = alice.get("/")
    more = f"/?cursor={first.context['next_cursor']}"
    assert more in text(first)
    assert "<html" in text(alice.get(more)) and "Recipe" in text(alice.get(more))
    part = text(alice.get(more, headers={"HX-Request": "true"}))
    assert "<html" not in part and part.count("data-id=") == 2


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"q": ""}, 200),
        ({"q": "   "}, 200),
        ({"q": "a"}, 200),
        ({"q": "the of and"}, 200),
        ({"q": "🌲🌲"}, 200),
        ({"q": "a\x00b"}, 200),
        ({"q": "x" * 2001}, 400),
        ({"q": '"'}, 200),
        ({"q": "' OR 1=1--"}, 200),
        ({"q": "%" * 2000}, 200),
        ({"after": "yesterday"}, 400),
        ({"kind": "song"}, 400),
        ({"sort": "best"}, 400),
        ({"mode": "magic"}, 400),
        ({"cursor": "%27"}, 400),
        ({"limit": "-1"}, 400),
        ({"by": "\x00"}, 400),
        ({"tag": "\x00"}, 400),
        ({"tag": "<script>alert(1)</script>"}, 200),
        ({"collection": "7"}, 404),
        ({"picture": "x"}, 404),
        ({"like": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"picture": "00000000-0000-4000-8000-000000000000"}, 404),
    ],
)
def test_every_question_gets_an_answer(alice, note, asked, status):
    response = alice.get("/", asked)
    assert response.status_code == status
    assert 'id="q"' in text(response) and "<script>alert" not in text(response)


def test_a_bad_question_is_explained(alice):
    assert "at most 2,000 characters" in text(alice.get("/", {"q": "x" * 2001}))


def test_another_teams_item_is_as_good_as_missing(charlie, note):
    assert charlie.get("/", {"like": str(note.public_id)}).status_code == 404


@pytest.mark.parametrize("asked", [{}, {"q": "walnut"}, {"q": "img"}])
def test_what_people_write_is_shown_as_text(alice, asked):
    nasty = "<img src=x onerror=alert(1)> {{7*7}} {% debug %}"
    alice.post("/notes/new", {"title": nasty, "text": nasty + " walnut"})
    page = text(alice.get("/", asked))
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt; {{7*7}} {% debug %}" in page


def test_no_page_holds_inline_script_or_style(alice, note):
    for address in ("/", "/?q=walnut", "/upload", f"/items/{note.public_id}", "/search/picture", "/nowhere"):
        page = text(alice.get(address))
        assert " style=" not in page and "<style" not in page and "onclick" not in page
        assert "<script>" not in page


def test_no_camera_is_offered_where_the_embedder_takes_texts_only(alice, note):
    assert 'class="round camera"' in text(alice.get("/"))
    Space.objects.create(adapter="vllm", embedder="texts", dimensions=8, status="active", takes_pictures=False)
    assert 'class="round camera"' not in text(alice.get("/"))
    assert "The embedder takes texts only" in text(alice.get("/search/picture"))
    page = text(alice.get("/", {"like": str(note.public_id), "q": "zebra"}))
    assert "Try fewer or other words" not in page


@pytest.mark.parametrize("spelt", ["{0.hex}", "urn:uuid:{0}", "{{{0}}}"])
def test_an_id_may_be_written_in_any_way(alice, note, spelt):
    inbox, written = note.collection.public_id, spelt.format(note.public_id)
    kept = alice.post("/search/picture", {"file": picture()})["Location"].partition("picture=")[2]
    page = alice.get("/", {"picture": spelt.format(UUID(kept))})
    assert page.status_code == 200 and "Your picture" in text(page)
    chips = alice.get("/", {"like": written, "collection": spelt.format(inbox)}).context["chips"]
    assert [chip.label for chip in chips] == ["Like “Recipe”", "Inbox"]
    assert "like" not in chips[0].without and "collection" in chips[0].without


def test_names_of_filters_follow_the_page(alice, note):
    page = text(alice.get("/search/facets", headers={"Accept-Language": "de"}))
    assert ">Eingang<" in page and ">Inbox<" not in page


def test_where_nothing_fits_the_way_out_leads_to_no_mistake(alice, garden, note):
    """A chip less may leave a question that can't be asked; then it is no way out."""
    inbox = str(note.collection.public_id)
    page = alice.get("/", {"collection": inbox, "tag": "nosuch", "q": "in:inbox zebra -recipe (kind:text OR tag:a)"})
    assert page.status_code == 200 and "Clear filters" in text(page)
    assert alice.get("/", {"q": "in:nowhere"}).status_code == 404
    assert alice.get("/", {"q": "kind:hologram"}).status_code == 400
    quoted = alice.get("/", {"q": '"no such text" -"old bridge" tag:"new york"'}).context["unquoted"]
    assert QueryDict(quoted.partition("?")[2])["q"] == 'no such text -"old bridge" tag:"new york"'
    quoted = alice.get("/", {"q": "zebra“lion”", "mode": "words"}).context["unquoted"]
    assert QueryDict(quoted.partition("?")[2])["q"] == "zebra lion"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('""', "A pair of quotation marks has nothing between them"),
        ("()", "A pair of brackets has nothing between them"),
        ("OR", "OR stands between two things"),
        ('"', "A quotation mark has no partner"),
    ],
)
def test_a_question_that_asks_nothing_shows_the_library_and_says_why(alice, note, written, said):
    page = alice.get("/", {"q": written})
    assert said in text(page) and "Recipe" in text(page) and "1 item" in text(page)
    assert not page.context["asked"] and page.context["heads"] == alice.get("/").context["heads"]
    assert "1 item" in text(alice.get("/", {"q": written, "kind": "text"}))
    assert "Nothing found" in text(alice.get("/", {"q": written, "kind": "image"}))


def test_a_collection_of_two_words_is_offered_in_quotes(alice, signed_in, garden, note):
    collections.create_collection(garden, "Old shed", maker=User.objects.get(username="alice"), visibility="private")
    page = alice.get("/", {"q": "walnut in:old shed"})
    assert page.status_code == 404 and "There are: Old shed, Inbox." in text(page)
    assert page.context["better"]["words"] == 'walnut in:"Old shed"'
    page = signed_in("bob").get("/", {"q": "walnut in:old shed"})
    assert page.status_code == 404 and "Old shed" not in text(page) and "better" not in page.context
