"""The admin in a real browser: the overview, many items at once, one item, dropping files; mouse, keyboard, phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Job
from searchsite.library import collections
from searchsite.library.models import Item
from tests import browsing, made
from tests.browsing import page_of
from tests.handing import drop
from tests.web.conftest import garden, media

__all__ = ["garden", "media"]
pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 860}}
TALLY = "2 added · 1 there already · 1 refused · Left out, as hidden or unreadable: 1"


@pytest.fixture
def items(garden: Team) -> list[Item]:
    """Alice is of staff; there are three notes, one of which failed, and a shelf."""
    User.objects.filter(username="alice").update(is_staff=True)
    alice = User.objects.get(username="alice")
    collections.create_collection(garden, "Shelf", maker=alice)
    notes = [made.note(made.place(alice, garden), f"Words of {name}", name) for name in ("Rose", "Tulip", "Fern")]
    Job.objects.filter(subject=notes[2].pk).update(
        state="dead", last_error="The moon was full.", finished_at="2026-01-01T00:00:00Z"
    )
    return notes


def looks_right(page: Page) -> None:
    """As elsewhere, but the style sheets that Django's own import are not fetched into inline ones: CSP forbids it."""
    browsing.looks_right(page, preload=False)


def chosen(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("row", name=name).get_by_role("checkbox").check()


def test_a_librarian_moves_items_and_takes_them_out_of_the_trash(live_server, items) -> None:
    with page_of("alice", live_server.url, **DESK) as page:
        page.goto("/admin/")
        expect(page.get_by_role("img", name="New items by day and kind")).to_be_visible()
        page.get_by_text("Numbers by day").click()
        looks_right(page)
        page.get_by_role("link", name="Items", exact=True).first.click()
        looks_right(page)
        chosen(page, "Rose", "Tulip")
        page.get_by_label("Action:").select_option("Move to a collection")
        page.get_by_role("button", name="Go").click()
        expect(page.get_by_text("2 items are chosen.")).to_be_visible()
        looks_right(page)
        page.get_by_label("Collection:", exact=True).select_option("Shelf")
        page.get_by_role("button", name="Move to a collection").click()
        expect(page.get_by_text("Move to a collection: 2 items.")).to_be_visible()
        page.get_by_role("link", name="Shelf").click()
        expect(page.locator("#result_list tbody tr")).to_have_count(2)
        chosen(page, "Tulip")
        page.get_by_label("Action:").select_option("Move to the trash")
        page.get_by_role("button", name="Go").click()
        page.get_by_role("button", name="Move to the trash").click()
        page.goto("/admin/library/item/?trash=1")
        chosen(page, "Tulip")
        page.get_by_label("Action:").select_option("Restore from the trash")
        page.get_by_role("button", name="Go").click()
        page.get_by_role("button", name="Restore from the trash").click()
        expect(page.get_by_text("Restore from the trash: 1 item.")).to_be_visible()


def test_one_item_is_mended_by_keyboard_in_the_dark(live_server, items) -> None:
    with page_of("alice", live_server.url, color_scheme="dark", **DESK) as page:
        page.goto("/admin/")
        looks_right(page)
        page.get_by_role("link", name="Fern").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("The moon was full.")).to_be_visible()
        looks_right(page)
        page.get_by_role("button", name="Try again").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("“Meaning” will be tried again.")).to_be_visible()
        page.get_by_label("Tags:").fill("green, forest")
        page.keyboard.press("Enter")
        expect(page.get_by_text("was changed successfully")).to_be_visible()
        page.get_by_label("Search", exact=True).fill("forest")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Fern")).to_be_visible()
        expect(page.get_by_role("link", name="Rose")).to_have_count(0)
        looks_right(page)


def test_files_are_dropped_on_the_list_and_each_is_reported(live_server, items) -> None:
    with page_of("alice", live_server.url, expecting="status of 422", **DESK) as page:
        page.goto("/admin/library/item/")
        drop(page, "body", ("moss.txt", b"Words of moss"), ("bark.txt", b"Words of bark"))
        expect(page.locator(".drop .tally")).to_have_text("2 added")
        drop(page, "body", ("bark.txt", b"Words of bark"), ("bad.png", b"<svg onload=alert(1)>"), (".hidden", b"x"))
        expect(page.locator(".drop .tally")).to_have_text(TALLY)
        expect(page.locator(".drop li.refused")).to_contain_text("bad.png")
        looks_right(page)
        page.get_by_role("link", name="moss.txt").click()
        expect(page.get_by_label("Title:")).to_have_value("moss")
        page.goto("/admin/library/item/add/")
        page.get_by_label("Collection:").select_option("Shelf")
        drop(page, "body", ("leaf.txt", b"Words of leaf"))
        expect(page.locator(".drop .tally")).to_have_text("1 added")
        looks_right(page)
    assert Item.objects.get(title="leaf").collection.name == "Shelf"


def test_it_works_with_a_thumb(live_server, items) -> None:
    with page_of("alice", live_server.url, **PHONE) as page:
        for address in ("/admin/", "/admin/library/item/", "/admin/library/item/add/", "/admin/library/collection/"):
            page.goto(address)
            looks_right(page)
        page.goto(f"/admin/library/item/{items[2].pk}/change/")
        looks_right(page)
        page.get_by_role("button", name="Move to the trash").tap()
        expect(page.get_by_text("It is in the trash.")).to_be_visible()
        page.get_by_role("button", name="Restore").tap()
        expect(page.get_by_text("It is back.")).to_be_visible()
