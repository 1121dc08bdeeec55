"""Weak hits are folded away on the page, and wherever else its list counts."""

from __future__ import annotations

import re

import pytest

from searchsite.accounts.models import User
from searchsite.indexing.models import Space
from tests import made
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]

ASKED = {"q": "red house near"}
NONSENSE = {"q": "qwx zyv kjh"}


@pytest.fixture
def house(garden, fake) -> None:
    owner_place = made.place(User.objects.get(username="alice"), garden)
    for number in range(30):
        made.note(owner_place, f"A red house number {number}")
    for number in range(40):
        made.note(owner_place, f"Something blue {number}")
    made.work_through_everything()
    Space.objects.update(calibration={"text": {"likely": 0.45, "strong": 0.9}})


def number(page: str, pattern: str) -> int:
    found = re.search(pattern, page)
    assert found, pattern
    return int(found[1])


def cards(page: str) -> int:
    return page.count('<li class="card')


def test_they_are_counted_and_one_link_away(alice, house):
    page = text(alice.get("/", ASKED))
    shown, hidden = number(page, r"(\d+) results"), number(page, r"(\d+) weak ones hidden")
    assert 'id="weak"' not in page and "weak=1#weak" not in page, "more of the others come first"
    cursor = re.search(r"cursor=([^\"&]+)", page)
    last = text(alice.get("/", {**ASKED, "cursor": cursor[1]}))
    assert cards(page) + cards(last) == shown
    assert f"Show {hidden} more weak hits" in last and 'href="/?q=red+house+near&amp;weak=1#weak"' in last
    everything = text(alice.get("/", {**ASKED, "weak": "1"}))
    assert number(everything, r"(\d+) results") == shown + hidden and "weak ones hidden" not in everything


def test_shown_they_follow_a_line_that_folds_them_again(alice, house):
    first = text(alice.get("/", {**ASKED, "weak": "1"}))
    cursor = re.search(r"cursor=([^\"&]+)", first)
    page = text(alice.get("/", {**ASKED, "weak": "1", "cursor": cursor[1]}))
    before, _, after = page.partition('id="weak"')
    assert "Hide weak hits" in after and 'href="/?q=red+house+near"' in after
    assert ' weak" data-id' not in before and ' weak" data-id' in after


def test_a_question_that_nothing_answers_says_so(alice, house):
    page = text(alice.get("/", NONSENSE))
    assert "Nothing fits" in page and cards(page) == 0 and "0 results" in page
    assert re.search(r"Show \d+ weak hits", page)
    shown = text(alice.get("/", {**NONSENSE, "weak": "1"}))
    assert "Nothing fits well. These come nearest." in shown and cards(shown) == 24 and 'id="weak"' not in shown


def test_all_that_is_selected_is_what_is_shown(alice, house):
    shown = number(text(alice.get("/", ASKED)), r"(\d+) results")
    said = alice.post("/selection/count?q=red+house+near", {"all": "1"}).json()
    assert said["number"] == shown
    both = alice.post("/selection/count?q=red+house+near&weak=1", {"all": "1"}).json()
    assert both["number"] > shown


def test_what_it_can_be_narrowed_by_counts_what_is_shown(alice, house):
    shown = number(text(alice.get("/", ASKED)), r"(\d+) results")
    drawer = text(alice.get("/search/facets", ASKED, headers={"HX-Request": "true"}))
    assert f'<span class="n">{shown}</span>' in drawer and 'name="weak"' not in drawer
    drawer = text(alice.get("/search/facets", {**ASKED, "weak": "1"}, headers={"HX-Request": "true"}))
    assert '<input type="hidden" name="weak" value="1">' in drawer


def test_stepping_through_goes_as_far_as_the_list(alice, house):
    page = text(alice.get("/", ASKED))
    shown, item = number(page, r"(\d+) results"), re.search(r'href="(/items/[^"]+)"', page)
    assert f"of {shown}" in text(alice.get(item[1].replace("&amp;", "&")))


def test_a_wrong_switch_is_refused(alice, house):
    assert alice.get("/", {**ASKED, "weak": "perhaps"}).status_code == 400


def test_a_new_question_folds_them_again(alice, house):
    page = text(alice.get("/", {**ASKED, "weak": "1"}))
    box = page[page.index('role="search"') : page.index("</form>", page.index('role="search"'))]
    assert 'name="weak"' not in box
