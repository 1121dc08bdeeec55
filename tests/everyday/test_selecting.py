"""Selecting many items in a real browser, and what is done with them: by mouse, by keyboard and with a thumb."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from searchsite.library import collections, tags, trash
from searchsite.library.models import Item
from tests import made
from tests.browsing import elsewhere, looks_right, page_of

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
DARK: dict[str, Any] = {"color_scheme": "dark"}


@pytest.fixture(autouse=True)
def garden(transactional_db, tmp_path, settings, fake) -> None:
    """Thirty notes of alice's, of which a page shows 24; some are tagged; and a few collections."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    team = made.team_of(alice)
    for name in ("Attic", "Cellar", "Diary", "Kitchen", "Léon's walks", "Orchard", "Shed"):
        collections.create_collection(team, name, maker=alice)
    inbox = made.place(alice, team)
    notes = [made.note(inbox, f"A tulip of sort {number}", title=f"Tulip {number}") for number in range(30)]
    for number in (27, 28, 29):
        tags.set_all(notes[number], ["spring", *(["red"] if number == 29 else [])])


def cards(page: Page) -> Locator:
    return page.locator("#cards .card")


def pick(page: Page, at: int) -> Locator:
    return cards(page).nth(at).locator(".pick")


def counted(page: Page, number: int) -> None:
    expect(page.locator("#selection-said")).to_have_text(f"{number} selected")
    expect(page.locator("#cards .card.selected")).to_have_count(number)


def in_focus(page: Page, title: str) -> None:
    expect(page.locator("#cards .card:focus-within")).to_have_attribute("data-title", title)


def where(title: str) -> str:
    found: list[str] = []
    elsewhere(lambda: found.append(Item.objects.get(title=title).collection.name))
    return found[0]


def test_selecting_by_mouse(live_server):
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/")
        expect(page.locator("#selection")).to_be_hidden()
        cards(page).nth(1).hover()
        pick(page, 1).click()
        counted(page, 1)
        cards(page).nth(4).locator("a.frame").click(modifiers=["Shift"])
        counted(page, 4)
        page.keyboard.press("Shift+ArrowRight")
        counted(page, 5)
        page.keyboard.press("Shift+ArrowLeft")
        counted(page, 4)
        cards(page).nth(2).locator("a.frame").click(modifiers=["Control"])
        cards(page).nth(7).locator("a.frame").click()
        counted(page, 4)
        looks_right(page)
        page.locator("#cards").evaluate("list => list.lastElementChild.scrollIntoView()")
        expect(cards(page)).to_have_count(30)
        counted(page, 4)
        # To an item and back, as Enter on a card does.
        cards(page).nth(9).locator("a.frame").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/items/*")
        page.go_back()
        counted(page, 4)
        page.goto("/?q=tulip&mode=words")
        expect(page.locator("#selection")).to_be_hidden()


def test_selecting_by_keyboard_and_its_off_switch(live_server):
    with page_of("alice", live_server.url, **DESK, **DARK) as page:
        page.goto("/")
        page.keyboard.press("j")
        in_focus(page, "Tulip 29")
        page.keyboard.press("x")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
        counted(page, 3)
        page.keyboard.press("Shift+ArrowLeft")
        counted(page, 2)
        page.keyboard.press("ArrowDown")
        expect(page.locator("#cards .card:focus-within")).not_to_have_attribute("data-title", re.compile("Tulip 2[89]"))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("k")
        in_focus(page, "Tulip 29")
        page.keyboard.press("Control+a")
        expect(page.locator("[data-every]")).to_have_text("Select all 30 results")
        looks_right(page)
        page.keyboard.press("Escape")
        expect(page.locator("#selection")).to_be_hidden()
        page.evaluate("localStorage.setItem('single-keys', 'off')")
        page.keyboard.press("x")
        expect(page.locator("#selection")).to_be_hidden()
        pick(page, 0).focus()
        page.keyboard.press("Space")
        counted(page, 1)


def test_all_results_are_moved_and_moved_back(live_server):
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/?q=tulip&mode=words")
        pick(page, 0).click()
        page.keyboard.press("Control+a")
        page.get_by_role("button", name="Select all 30 results").click()
        expect(page.locator("#selection-said")).to_have_text("All 30 results are selected.")
        pick(page, 3).click()
        expect(page.locator(".selection-count")).to_have_text("29 selected")
        page.get_by_role("button", name="Move", exact=True).click()
        looks_right(page)
        page.get_by_label("Find a collection").fill("leon")
        expect(page.locator(".choice:visible [type=radio]")).to_have_count(2)
        page.keyboard.press("Enter")
        expect(page.locator(".toast")).to_contain_text("29 items moved to “Léon's walks”.")
        assert where("Tulip 0") == "Léon's walks"
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".toast")).to_contain_text("29 items are back.")
        assert where("Tulip 0") == "Inbox"


def test_a_few_go_to_the_trash_at_once_and_come_back(live_server):
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/")
        for at in range(3):
            pick(page, at).click()
        page.get_by_role("button", name="Trash", exact=True).click()
        expect(page.locator(".toast")).to_contain_text("3 items are in the trash.")
        expect(page.locator("[data-title='Tulip 28']")).to_have_count(0)
        expect(page.locator(".toolbar .count")).to_have_text("27 items")
        looks_right(page)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("[data-title='Tulip 28']")).to_have_count(1)
        page.keyboard.press("j")
        page.keyboard.press("Control+a")
        page.get_by_role("button", name="Select all 30 results").click()
        page.get_by_role("button", name="Trash", exact=True).click()
        expect(page.get_by_role("heading", name="Move 30 items to the trash?")).to_be_visible()
        looks_right(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Trash", exact=True)).to_be_focused()


def test_the_open_drawer_counts_anew(live_server):
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/")
        page.get_by_role("button", name="Filters").click()
        springs = page.locator("#drawer .facet-choice", has_text="spring").locator(".n")
        expect(springs).to_have_text("3")
        pick(page, 0).click()
        page.get_by_role("button", name="Trash", exact=True).click()
        expect(springs).to_have_text("2")


def test_tags_of_some_become_tags_of_all(live_server):
    with page_of("alice", live_server.url, **DESK, **DARK) as page:
        page.goto("/")
        pick(page, 0).click()
        pick(page, 3).click(modifiers=["Shift"])
        page.get_by_role("button", name="Tags").click()
        box = page.get_by_role("checkbox", name=re.compile("^spring"))
        expect(box).to_have_js_property("indeterminate", True)
        expect(page.locator(".prompt")).to_contain_text("3 of 4")
        looks_right(page)
        box.check()
        page.get_by_label("Add tags").fill("Garden, flower")
        page.keyboard.press("Enter")
        expect(page.locator(".toast")).to_contain_text("Tags of 4 items changed.")
        counted(page, 4)
        page.goto("/?tag=spring&tag=garden")
        expect(cards(page)).to_have_count(4)
        page.goto("/?tag=red")
        expect(cards(page)).to_have_count(1)


def test_a_zip_comes_down(live_server):
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/")
        pick(page, 0).click()
        pick(page, 1).click()
        with page.expect_download() as coming:
            page.get_by_role("button", name="Download").click()
        with zipfile.ZipFile(io.BytesIO(coming.value.path().read_bytes())) as held:
            assert held.namelist() == ["Tulip 29.md", "Tulip 28.md", "manifest.json"]
            assert json.loads(held.read("manifest.json"))[0]["tags"] == ["spring", "red"]
        counted(page, 2)


def test_with_a_thumb(live_server):
    with page_of("alice", live_server.url, **PHONE) as page:
        page.goto("/")
        box = cards(page).nth(0).locator("a.frame").bounding_box()
        assert box is not None
        touch = page.context.new_cdp_session(page)
        at = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at})
        counted(page, 1)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        counted(page, 1)
        cards(page).nth(2).locator("a.frame").tap()
        counted(page, 2)
        looks_right(page)
        page.get_by_role("button", name="Move", exact=True).tap()
        page.get_by_label("Name of the new collection").fill("Autumn")
        looks_right(page)
        page.locator(".prompt").get_by_role("button", name="Move", exact=True).tap()
        expect(page.locator(".toast")).to_contain_text("2 items moved to “Autumn”.")
        assert where("Tulip 29") == "Autumn"


def test_the_trash_page_with_and_without_script(live_server):
    def throw_away() -> None:
        for one in Item.objects.filter(title__in=["Tulip 1", "Tulip 2", "Tulip 3"]):
            trash.trash(one)

    elsewhere(throw_away)
    with page_of("alice", live_server.url, **PHONE, **DARK) as page:
        page.goto("/trash")
        expect(page.locator(".trashed")).to_have_count(3)
        page.get_by_role("checkbox", name="Select Tulip 3").check()
        page.get_by_text("Delete the selected").click()
        looks_right(page)
        page.get_by_role("button", name="Delete for good", exact=True).click()
        expect(page.locator(".messages")).to_contain_text("1 item is deleted for good.")
    with page_of("alice", live_server.url, **DESK, java_script_enabled=False) as page:
        page.goto("/trash")
        page.get_by_role("button", name="Restore Tulip 1").click()
        expect(page.locator(".messages")).to_contain_text("1 item is back.")
        page.get_by_role("button", name="Restore all").click()
        expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
