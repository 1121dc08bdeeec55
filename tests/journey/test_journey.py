"""One person's way through a whole running site, in a real browser; every page on it passes axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PIL import ImageDraw, ImageFont
from playwright.sync_api import Page, expect

from tests import browsing
from tests.browsing import MOVING, page_at
from tests.handing import drop
from tests.house import House
from tests.library import drawn

SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
COUNTED = re.compile(r"[1-9]\d* results?\b")
"""Others may have put something into this house before."""


@pytest.fixture
def page(running_house: House) -> Iterator[Page]:
    """A page of a fresh browser. One upload is refused."""
    with page_at(
        running_house.base_url, expecting="status of 422", viewport={"width": 1280, "height": 800}, **MOVING
    ) as page:
        page.set_default_timeout(60_000)
        page.add_init_script(SHIFTS)
        yield page


def test_a_person_puts_things_in_and_finds_them(running_house: House, page: Page):
    sign_in(page, running_house)
    upload_by_drop(page)
    find_by_words(page)
    find_by_picture(page)
    open_and_look_for_more(page)
    sign_out(page)


def sign_in(page: Page, house: House) -> None:
    page.goto(house.base_url)
    looks_right(page)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(house.admin_password)
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Describe what you are looking for")).to_be_visible()
    looks_right(page)


def upload_by_drop(page: Page) -> None:
    page.get_by_role("link", name="Upload").first.click()
    looks_right(page)
    drop(page, ".drop-box", ("meadow.jpg", meadow()), ("noise.jpg", drawn.jpeg(7)), ("window.png", window()))
    drop(page, "body", ("page.png", b"<html>"))
    expect(page.locator(".entry[data-state=refused]")).to_contain_text("page.png")
    expect(page.locator("[data-say=totals]")).to_have_text("3 ready · 1 not taken", timeout=180_000)
    looks_right(page, moved=True)


def find_by_words(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("quick brown fox")
    page.keyboard.press("Enter")
    first = page.locator(".card").first
    expect(first).to_contain_text("window")
    expect(first.locator("mark").first).to_be_visible()
    expect(page.locator(".count")).to_contain_text(COUNTED)
    looks_right(page)


def find_by_picture(page: Page) -> None:
    page.get_by_role("link", name="searchsite").click()
    page.wait_for_load_state()
    drop(page, "body", ("unnamed.jpg", meadow()))
    page.wait_for_url("**/?picture=*")
    page.get_by_role("link", name="Photos").click()
    expect(page.locator(".count")).to_contain_text(COUNTED)
    expect(page.locator(".card").first).to_contain_text("meadow")
    expect(page.locator(".chip")).to_contain_text("Your picture")
    looks_right(page)


def open_and_look_for_more(page: Page) -> None:
    page.locator(".card .frame").first.press("Enter")
    expect(page.get_by_label("Title")).to_have_value("meadow")
    expect(page.get_by_text("Ready: found by search")).to_be_visible()
    looks_right(page)
    page.locator(".item-actions").get_by_role("link", name="More like this").click()
    page.wait_for_url("**/?like=*")
    expect(page.locator(".chip")).to_contain_text("Like “meadow”")
    expect(page.locator(".card").first).not_to_contain_text("meadow")
    looks_right(page)


def sign_out(page: Page) -> None:
    page.locator("header summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def looks_right(page: Page, *, moved: bool = False) -> None:
    """As elsewhere, and nothing jumped by itself."""
    browsing.looks_right(page)
    assert moved or page.evaluate("window.shifted") < 0.01


def meadow() -> bytes:
    return drawn.jpeg(3)


def window() -> bytes:
    image = drawn.screen()
    ImageDraw.Draw(image).text((60, 340), "Quick brown fox settings", "black", ImageFont.load_default(size=32))
    return drawn.encoded(image)
