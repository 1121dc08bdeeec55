"""Searching in a real browser: by mouse, by keyboard and with a thumb."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.indexing.models import Space
from searchsite.library import collections, tags
from searchsite.library.models import Item
from tests import made
from tests.browsing import eventually, looks_right, page_of
from tests.handing import paste

PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  const seen = (list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; };
  new PerformanceObserver(seen).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""
TOP = "(id) => document.querySelector(`[data-id='${id}']`).getBoundingClientRect().top"


@pytest.fixture(autouse=True)
def garden(transactional_db, tmp_path, settings, fake) -> None:
    """Sixty notes of alice's in two months, one of bob's, and two pictures."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice, bob = made.person("alice"), made.person("bob")
    team = made.team_of(alice)
    teams.add_member(team, bob, role=Role.EDITOR)
    inbox = made.place(alice, team)
    for number in range(60):
        made.note(inbox, f"A tulip of sort {number}", title=f"Tulip {number}")
    attic = collections.create_collection(team, "Attic", maker=alice)
    tags.set_all(made.note(made.place(bob, team, attic), "A walnut tree in the yard", title="Walnut"), ["tree"])
    made.picture(inbox, "teal", "A teal boat", words="boat")
    made.picture(inbox, "red", "A red house")
    old = Item.objects.filter(title__startswith="Tulip 1")
    old.update(created_at=datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=5))
    made.work_through_everything()


def counted(page: Page, said: str) -> None:
    expect(page.locator(".count")).to_have_text(re.compile(rf"^{said}( ·|$)"))


def in_focus(page: Page, card: str) -> None:
    """The focus is within the card of this id."""
    expect(page.locator(f"[data-id='{card}'] :focus")).to_have_count(1)


def stands(page: Page, card: str, top: float) -> None:
    eventually(page, lambda: abs(page.evaluate(TOP, card) - top) < 3)


def test_narrowing_by_mouse(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 860}) as page:
        page.goto("/")
        expect(page.locator(".day h2").first).to_have_text("Today")
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("checkbox", name=re.compile("^Attic")).check()
        page.wait_for_url("**/?collection=*")
        counted(page, "1 item")
        expect(page.get_by_role("checkbox", name=re.compile("^Attic"))).to_be_checked()
        expect(page.locator(".chip")).to_contain_text("Attic")
        looks_right(page)
        page.get_by_role("checkbox", name=re.compile("^Inbox")).check()
        page.wait_for_url("**/?collection=*&collection=*")
        expect(page.get_by_role("checkbox", name=re.compile("^Inbox"))).to_be_focused()
        page.get_by_role("radio", name=re.compile("^bob")).check()
        page.wait_for_url("**by=bob")
        page.get_by_role("link", name="Clear filters").click()
        page.locator(".year summary", has_text="2025").click()
        page.get_by_role("link", name="March 2025").click()
        expect(page.locator(".chip")).to_contain_text("March 2025")
        counted(page, "11 items")
        page.get_by_label("Remove: March 2025").click()
        page.get_by_label("Since", exact=True).fill("2025-04-01")
        page.wait_for_url("**/?after=2025-04-01")
        page.get_by_role("link", name="Clear filters").click()
        page.get_by_role("button", name="Filters").click()
        expect(page.locator("#drawer")).to_be_hidden()
        page.reload()
        expect(page.locator("#drawer")).to_be_hidden()
        assert page.evaluate(SHIFTS) < 0.01


def test_back_returns_to_the_same_place_with_the_same_cards(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 700}) as page:
        page.goto("/")
        cards = page.locator("#cards [data-id]")
        for number in (48, 63):
            page.mouse.wheel(0, 20_000)
            expect(cards).to_have_count(number)
        expect(page.locator("#more")).to_have_count(0)
        expect(page.locator(".day")).to_have_count(2)
        page.evaluate("scrollTo(0, scrollY - 700)")
        last = cards.nth(45).get_attribute("data-id") or ""
        page.locator(f"[data-id='{last}'] .frame").scroll_into_view_if_needed()
        place = page.evaluate(TOP, last)
        page.locator(f"[data-id='{last}'] .frame").click()
        page.wait_for_url("**/items/*")
        page.go_back()
        expect(cards).to_have_count(63)
        in_focus(page, last)
        stands(page, last, place)
        page.reload()
        expect(cards).to_have_count(63)
        stands(page, last, place)
        assert page.evaluate(SHIFTS) < 0.01


def test_more_results_by_the_button_and_the_keyboard(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 700}) as page:
        page.add_init_script("window.IntersectionObserver = class { observe() {} }")
        page.goto("/?sort=oldest")
        page.locator("[data-more]").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#grown")).to_have_text("48 of 63 shown")
        in_focus(page, page.locator("#cards [data-id]").nth(24).get_attribute("data-id") or "")
    with page_of("alice", live_server.url, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("link", name="Show more").click()
        expect(page).to_have_url(re.compile("cursor="))
        expect(page.locator("#cards [data-id]")).to_have_count(24)
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("checkbox", name=re.compile("^Attic")).check()
        page.get_by_role("button", name="Show results").click()
        counted(page, "1 item")


def test_recent_searches_by_keyboard(live_server):
    with page_of("alice", live_server.url) as page:
        page.goto("/?q=walnut")
        page.goto("/?q=tulip+7")
        page.goto("/")
        page.keyboard.press("/")
        box, grid = page.locator("#q"), page.get_by_role("grid", name="Recent searches")
        expect(grid.get_by_role("row")).to_have_count(4)
        looks_right(page)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(box).to_have_attribute("aria-activedescendant", "recent-1")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=walnut")
        box.fill("")
        expect(grid.get_by_role("row").first).to_contain_text("walnut")
        for key in ("ArrowDown", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        expect(grid.get_by_role("row")).to_have_count(3)
        page.keyboard.press("Escape")
        expect(grid).to_be_hidden()
        page.keyboard.press("ArrowDown")
        page.get_by_text("Keep no recent searches").first.click()
        page.goto("/?q=boat")
        assert page.evaluate("Object.keys(localStorage).filter((one) => !one.endsWith(':off')).length") == 0


def test_a_pasted_picture_is_a_chip_that_takes_words(live_server):
    with page_of("alice", live_server.url, color_scheme="dark", viewport={"width": 1280, "height": 860}) as page:
        page.goto("/")
        paste(page, "body", ("pasted.jpg", made.drawn("teal", "boat")))
        page.wait_for_url("**/?picture=*")
        expect(page.locator(".chip.pictured img")).to_be_visible()
        looks_right(page)
        page.get_by_role("link", name="Add words").click()
        expect(page.locator("#q")).to_be_focused()
        expect(page.locator("#q")).to_have_attribute("placeholder", "Add words to the picture")
        page.keyboard.type("boat")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"q=boat.*picture="))
        first = page.locator("#cards [data-id]").first
        expect(first).to_have_attribute("data-title", "A teal boat")
        expect(first.locator(".why")).not_to_have_count(0)
        page.get_by_label("Remove: Your picture").click()
        page.wait_for_url("**/?q=boat")
        page.locator("#q").fill("")
        expect(page.locator(".recent-go img").first).to_be_visible()
        first.locator(".similar").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/?like=*")
        expect(page.locator(".chip")).to_contain_text("Like “A teal boat”")


def test_what_is_missing_says_why_and_offers_the_way_out(live_server, fake):
    with page_of("alice", live_server.url) as page:
        page.goto("/?q=walnut&mode=words&by=alice")
        expect(page.locator(".empty")).to_contain_text("without them there is 1 result")
        looks_right(page)
        page.get_by_role("link", name="Without By alice").click()
        counted(page, "1 result")
        fake.fault = "closed"
        page.goto("/?q=walnut+tree")
        expect(page.locator(".banner")).to_contain_text("found by words alone")
        expect(page.locator("#cards [data-id]").first).to_have_attribute("data-title", "Walnut")
        looks_right(page)
        page.goto("/?q=zzzz")
        expect(page.locator(".empty")).to_contain_text("Only the words themselves were looked for")
        looks_right(page)


@pytest.mark.parametrize("how", [{}, PHONE], ids=["desk", "phone"])
def test_weak_hits_are_folded_away_and_shown_by_keyboard(live_server, how):
    Space.objects.update(calibration={"text": {"likely": 0.5, "strong": 0.9}})
    with page_of("alice", live_server.url, **how) as page:
        page.goto("/?q=walnut+tree+yard")
        expect(page.locator("#cards [data-id]")).to_have_count(1)
        expect(page.locator(".count")).to_contain_text(re.compile(r"1 result, \d+ weak ones hidden"))
        looks_right(page)
        more = page.get_by_role("link", name=re.compile("Show .* more weak hits"))
        more.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=walnut+tree+yard&weak=1#weak")
        expect(page.locator("#weak")).to_be_in_viewport()
        expect(page.locator("#cards [data-id]").first).to_have_attribute("data-title", "Walnut")
        assert page.locator("#cards [data-id]").count() > 1
        looks_right(page)
        page.go_back()
        expect(page.locator("#cards [data-id]")).to_have_count(1)
        page.go_forward()
        page.get_by_role("link", name="Hide weak hits").click()
        page.wait_for_url("**/?q=walnut+tree+yard")


@pytest.mark.parametrize("how", [{}, PHONE], ids=["desk", "phone"])
def test_nonsense_is_told_that_nothing_fits(live_server, how):
    Space.objects.update(calibration={"text": {"likely": 0.5, "strong": 0.9}})
    with page_of("alice", live_server.url, **how) as page:
        page.goto("/?q=qwx+zyv")
        expect(page.locator(".empty")).to_contain_text("Nothing fits")
        looks_right(page)
        page.get_by_role("link", name=re.compile(r"Show \d+ weak hits")).click()
        expect(page.locator(".notice")).to_contain_text("Nothing fits well")
        expect(page.locator("#cards [data-id]").first).to_be_visible()
        looks_right(page)


def test_on_a_phone_by_thumb(live_server):
    with page_of("alice", live_server.url, **PHONE) as page:
        page.goto("/")
        looks_right(page)
        page.get_by_role("button", name="Filters").tap()
        sheet = page.get_by_role("dialog", name="Filters")
        page.get_by_label(re.compile("^Attic")).tap()
        looks_right(page)
        sizes = sheet.locator(".facet-choice").evaluate_all("all => all.map((one) => one.offsetHeight || 99)")
        assert min(sizes) >= 44
        sheet.get_by_role("button", name="Show results").tap()
        page.wait_for_url("**/?collection=*")
        counted(page, "1 item")
        page.get_by_role("button", name="Filters").tap()
        sheet.get_by_role("button", name="Close").tap()
        expect(page.get_by_role("button", name="Filters")).to_be_focused()
        page.locator("#q").tap()
        page.keyboard.type("boat")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=boat*")
        looks_right(page)


def framed_at(page: Page, *shares: int) -> None:
    """The frame stands there, in thousandths of the picture, but for a pixel."""

    def is_there() -> bool:
        written = page.locator(".part-picture").get_attribute("data-region") or ""
        return [int(one) for one in written.split("-")] == pytest.approx(shares, abs=15)

    eventually(page, is_there)


@pytest.mark.parametrize("how", [{"viewport": {"width": 1280, "height": 860}}, PHONE], ids=["desk", "phone"])
def test_a_part_of_a_picture_is_framed_and_searched_by(live_server, how):
    boat = Item.objects.get(title="A teal boat")
    with page_of("alice", live_server.url, **how) as page:
        page.goto(f"/items/{boat.public_id}")
        page.get_by_role("button", name="Search by a part").click()
        picture = page.locator(".part-picture")
        expect(picture).to_have_attribute("data-region", "250-250-500-500")
        expect(page.get_by_role("group", name="Frame")).to_be_focused()
        looks_right(page)
        eventually(page, lambda: picture.locator("img").evaluate("(one) => one.complete && one.naturalWidth > 0"))
        box = picture.bounding_box()
        assert box is not None

        def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
            for (x, y), then in ((start, page.mouse.down), (end, page.mouse.up)):
                page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
                then()

        drag((0.1, 0.2), (0.4, 0.6))
        framed_at(page, 100, 200, 300, 400)
        # Within the frame a drag moves it, at its corner it resizes it, and it stays in the picture.
        drag((0.2, 0.4), (0.9, 0.95))
        framed_at(page, 700, 600, 300, 400)
        drag((0.99, 0.99), (0.8, 0.8))
        framed_at(page, 700, 600, 100, 200)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowDown")
        expect(page.locator("dialog output")).to_contain_text("from the left")
        framed = picture.get_attribute("data-region")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/?like={boat.public_id}~{framed}")
        expect(page.locator(".chip")).to_contain_text("Like a part of “A teal boat”")
        # What one searches by is no hit of its own.
        expect(page.locator("#cards li", has_text="A red house").first).to_be_visible()
        expect(page.locator("#cards li", has_text="A teal boat")).to_have_count(0)
        looks_right(page)
        page.locator(".chip").get_by_role("button", name="Search by a part").click()
        expect(picture).to_have_attribute("data-region", framed)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.get_by_role("link", name="Remove: Like a part of").click()
        page.wait_for_url(f"{live_server.url}/")
