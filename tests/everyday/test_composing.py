"""Questions of several pieces in a real browser: added, turned round and taken out, by mouse, keys and thumb."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from searchsite.library.models import Item
from tests import made
from tests.browsing import looks_right, page_of

DESK = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


@pytest.fixture(autouse=True)
def harbour(transactional_db, tmp_path, settings, fake) -> None:
    """Two pictures and a note of alice's."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    made.picture(inbox, "teal", "A teal boat", words="boat")
    made.picture(inbox, "red", "A red house")
    made.note(inbox, "Boats in the harbour, and a walnut tree.", "Harbour")
    made.work_through_everything()


def chips(page: Page, *labels: str) -> None:
    expect(page.locator(".chip > span")).to_have_text(list(labels))


def test_a_question_is_put_together_and_taken_apart_by_mouse(live_server):
    house = Item.objects.get(title="A red house")
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/?q=boats")
        card = page.locator(f"[data-id='{house.public_id}']")
        card.hover()
        card.get_by_role("link", name="Not like A red house").click()
        chips(page, "Not like “A red house”")
        page.get_by_text("Without…").click()
        expect(page.get_by_label("Nothing that is like this:")).to_be_focused()
        looks_right(page)
        page.keyboard.type("snow")
        page.keyboard.press("Enter")
        page.wait_for_url("**not=snow**")
        chips(page, "Not like “A red house”", "Not like “snow”")
        expect(page.get_by_role("link", name="Remove: Not like “snow”")).to_be_focused()
        expect(card).to_have_count(0)
        page.get_by_role("link", name="Like it, instead: Not like “A red house”").click()
        chips(page, "Like “A red house”", "Not like “snow”")
        expect(page.get_by_role("link", name="Not like it, instead: Like “A red house”")).to_be_focused()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("link", name="Add a picture").click()
        file = {"name": "more.jpg", "mimeType": "image/jpeg", "buffer": made.drawn("teal", "boat")}
        chooser.value.set_files([file])
        page.wait_for_url("**picture=**")
        chips(page, "Your picture", "Like “A red house”", "Not like “snow”")
        expect(page.locator("#q")).to_have_value("boats")
        looks_right(page)


def test_chips_are_removed_by_keys_and_the_focus_stays_among_them(live_server):
    with page_of("alice", live_server.url, **DESK, color_scheme="dark") as page:
        page.goto("/?q=boats+kind:note+-snow&not=ice")
        chips(page, "Not like “ice”", "Text", "Not the word “snow”")
        looks_right(page)
        page.get_by_role("link", name="Remove: Text").focus()
        page.keyboard.press("Delete")
        page.wait_for_url("**/?q=boats+-snow&not=ice")
        expect(page.locator("#q")).to_have_value("boats -snow")
        expect(page.get_by_role("link", name="Remove: Not the word “snow”")).to_be_focused()
        page.keyboard.press("Backspace")
        chips(page, "Not like “ice”")
        expect(page.get_by_role("link", name="Remove: Not like “ice”")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=boats")
        expect(page.locator("#q")).to_be_focused()


def test_the_box_says_what_it_reads(live_server):
    with page_of("alice", live_server.url, **PHONE) as page:
        page.goto("/")
        page.get_by_role("link", name="What the search box reads").tap()
        expect(page.get_by_role("dialog").get_by_text("Exactly these words")).to_be_in_viewport()
        page.get_by_role("dialog").get_by_role("button", name="Close").tap()
        expect(page.get_by_role("link", name="What the search box reads")).to_be_focused()
        page.goto("/?q=by:+alice")
        expect(page.locator(".banner")).to_contain_text("A field and its value stand together")
        looks_right(page)


@pytest.mark.parametrize("how", [DESK, PHONE], ids=["desk", "phone"])
def test_an_item_says_why_it_was_found_and_refines_the_search(live_server, how):
    with page_of("alice", live_server.url, **how) as page:
        page.goto("/?q=walnuts")
        first = page.locator("#cards [data-id]").first
        expect(first).to_have_attribute("data-title", "Harbour")
        expect(first.locator("mark")).to_have_text("walnut")
        first.locator(".meta a").click()
        expect(page).to_have_url(re.compile("#why$"))
        expect(page.get_by_role("heading", name="Why it was found")).to_be_in_viewport()
        expect(page.locator(".whys mark").first).to_have_text("walnut")
        expect(page.locator(".whys")).to_contain_text("place 1")
        looks_right(page)
        page.locator(".whys").get_by_role("link", name="Not like this").click()
        page.wait_for_url("**/?q=walnuts&unlike=*")
        chips(page, "Not like “Harbour”")
        looks_right(page)


def test_it_all_works_without_a_script(live_server):
    boat = Item.objects.get(title="A teal boat")
    with page_of("alice", live_server.url, java_script_enabled=False, **DESK) as page:
        page.goto(f"/?q=boats+kind:photo&like={boat.public_id}")
        page.get_by_role("link", name="Not like it, instead: Like “A teal boat”").click()
        chips(page, "Not like “A teal boat”", "Photo")
        page.get_by_role("link", name="Remove: Photo").click()
        expect(page.locator("#q")).to_have_value("boats")
        page.get_by_text("Without…").click()
        page.get_by_label("Nothing that is like this:").fill("snow")
        page.keyboard.press("Enter")
        chips(page, "Not like “A teal boat”", "Not like “snow”")
        page.get_by_role("link", name="Add a picture").click()
        expect(page.get_by_label("Words to go with it")).to_have_value("boats")
        file = {"name": "more.jpg", "mimeType": "image/jpeg", "buffer": made.drawn("teal", "boat")}
        page.get_by_label("Picture", exact=True).set_input_files([file])
        page.locator("main").get_by_role("button", name="Search").click()
        chips(page, "Your picture", "Not like “A teal boat”", "Not like “snow”")
        page.get_by_role("link", name="What the search box reads").click()
        expect(page.get_by_role("heading", name="What the search box reads")).to_be_visible()
        expect(page.get_by_text("Exactly these words")).to_be_visible()
