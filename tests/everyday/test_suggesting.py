"""Typing into the box in a real browser: what it offers by keyboard, mouse and thumb, and words put right."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from searchsite.library import tags
from tests import made
from tests.browsing import looks_right, page_of
from tests.everyday.test_searching import PHONE


@pytest.fixture(autouse=True)
def shelf(transactional_db, tmp_path, settings, fake) -> None:
    """Three notes of alice's, one tagged."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    for title in ("Harbour at night", "Old harbour wall", "Castle"):
        made.note(inbox, f"All about it: {title.lower()}.", title=title)
    tags.set_all(made.note(inbox, "A boat.", title="Boat"), ["harbour"])
    made.work_through_everything()


def test_suggestions_by_keyboard(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 860}) as page:
        page.goto("/?q=harbour+master&kind=text")
        page.goto("/?kind=text")
        box, grid = page.locator("#q"), page.get_by_role("grid", name="Suggestions")
        page.keyboard.press("/")
        page.keyboard.type("harb", delay=30)
        rows = grid.get_by_role("row")
        expect(rows).to_have_count(4)
        expect(rows.first).to_contain_text("harbour master")
        expect(rows.nth(1)).to_have_text("Harbour at night")
        expect(page.locator("#recents-told")).to_contain_text("4 suggestions")
        looks_right(page)
        for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        expect(box).to_have_attribute("aria-activedescendant", "suggestion-1")
        expect(box).to_have_value("harb")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"q=tag%3Aharbour&kind=text"))
        expect(page.locator("#cards [data-id]")).to_have_attribute("data-title", "Boat")
        box.fill("castl")
        expect(rows).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator("#recents")).to_be_hidden()
        expect(box).to_have_value("castl")
        page.keyboard.press("ArrowDown")
        expect(rows).to_have_count(1)
        # What is typed is what is asked, unless something else was chosen.
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=castl&kind=text")


def test_a_late_answer_is_thrown_away(live_server):
    with page_of("alice", live_server.url) as page:
        page.route(re.compile("/suggest.*q=ha"), lambda route: (page.wait_for_timeout(600), route.continue_()))
        page.goto("/")
        page.locator("#q").focus()
        page.keyboard.type("ha", delay=10)
        page.wait_for_timeout(300)
        page.locator("#q").fill("castle")
        rows = page.get_by_role("grid", name="Suggestions").get_by_role("row")
        expect(rows).to_have_text(["Castle"])
        page.wait_for_timeout(800)
        expect(rows).to_have_text(["Castle"])


def test_by_thumb_and_words_put_right(live_server):
    with page_of("alice", live_server.url, color_scheme="dark", **PHONE) as page:
        page.goto("/")
        page.locator("#q").tap()
        page.keyboard.type("cas")
        row = page.get_by_role("grid", name="Suggestions").get_by_role("gridcell")
        expect(row).to_have_text("Castle")
        looks_right(page)
        row.tap()
        page.wait_for_url("**/?q=Castle*")
        page.goto("/?q=harbuor+wall")
        expect(page.locator(".better")).to_have_text("Did you mean harbour wall?")
        looks_right(page)
        page.get_by_role("link", name="harbour wall", exact=True).tap()
        page.wait_for_url("**/?q=harbour+wall")
        expect(page.locator(".better")).to_have_count(0)
