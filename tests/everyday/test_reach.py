"""Every page in a real browser: axe finds nothing, nothing is wider than the window, a thumb hits what it aims at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import path
from playwright.sync_api import Page, expect

from searchsite.urls import handler400, handler500, urlpatterns  # noqa: F401  # this module is a table of addresses, too
from tests import figures, furnished, made
from tests.browsing import STILL, come_to_rest, page_at, page_of, tally
from tests.served import fake
from tests.web.conftest import media
from tests.web.test_failing import broken

__all__ = ["fake", "media"]
pytestmark = pytest.mark.django_db(transaction=True)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True, **STILL}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, **STILL}
LOOKS = pytest.mark.parametrize(
    "how", [DESK | {"color_scheme": "light"}, PHONE | {"color_scheme": "dark"}], ids=["desk", "phone"]
)
# Of the status that tells programs what a page tells people, consoles complain.
REFUSED = "the server responded with a status of"
WIDER = """() => {
    // A phone's window.innerWidth grows with what is too wide for it.
    const most = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= most) return [];
    const out = [...document.querySelectorAll("body *")].filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width && (box.right > most + 1 || box.left < -1);
    });
    return out.slice(-3).map((one) => `wider than the window: ${one.outerHTML.slice(0, 150)}`);
}"""
# Words that do not fit into what one presses.
CUT = """() => [...document.querySelectorAll("button, summary, .button, .tabs a, legend, label")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && one.scrollWidth > one.clientWidth + 2 && getComputedStyle(one).display !== "inline"
        && !one.closest(".visually-hidden") && getComputedStyle(one).overflow === "hidden";
}).map((one) => `cut: ${one.outerHTML.slice(0, 150)}`)"""
# What can be pressed, and how large it is; links within sentences are as high as their lines.
SMALL = """([pressed, least]) => [...document.querySelectorAll(pressed)].filter((one) => {
    const hit = one.matches("input[type=checkbox], input[type=radio]") ? one.closest("label") ?? one : one;
    const box = hit.getBoundingClientRect();
    if (!hit.checkVisibility({opacityProperty: true, visibilityProperty: true}) || box.width <= 1) return false;
    // Links that repeat the one above them, and what is reached by the head of the column, too.
    if (one.closest(".visually-hidden, .skip, .prose, svg, [tabindex='-1'], .sortoptions")) return false;
    const line = one.matches("a") && getComputedStyle(one).display === "inline" && one.closest("p, dd, td, li, span");
    return !line && Math.min(box.width, box.height) < least - .5;
}).map((one) => { const box = one.getBoundingClientRect();
    return `${Math.round(box.width)} x ${Math.round(box.height)}: ${one.outerHTML.slice(0, 150)}`; })"""
PRESSED = "a[href], button, summary, select, textarea, input:not([type=hidden]), [role=button], [tabindex='0']"
MAIN = (
    ".button.main, .top .round, .viewer-bar .round, .tabs a, .toolbar .button, .item-actions .round, .submit-row input"
)
MOVING = """() => {
    const long = (value) => value.split(",").some((one) => parseFloat(one) * (one.includes("ms") ? 1 : 1000) > 1);
    return [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        return long(style.transitionDuration) || (style.animationName !== "none" && long(style.animationDuration))
            || style.scrollBehavior === "smooth";
    }).slice(0, 5).map((one) => one.outerHTML.slice(0, 150));
}"""
OPEN_ALL = """() => {
    const folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
    return folded.length;
}"""
urlpatterns = [*urlpatterns, path("broken", broken)]


@pytest.fixture
def house(fake, transactional_db, settings) -> furnished.House:
    settings.ROOT_URLCONF = __name__
    house = furnished.furnish()
    made.work_through_everything()
    furnished.wear(house)
    return house


def problems(page: Page) -> list[str]:
    """What axe finds, and what is wider than the window."""
    come_to_rest(page)
    # The style sheets that Django's own import are not fetched into inline ones: CSP forbids it.
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    said = [f"{one['id']}: {node['target']} {node['html'][:150]}" for one in found for node in one["nodes"][:3]]
    return said + list(page.evaluate(WIDER))


def walk(page: Page, addresses: Iterable[str], look: Callable[[Page], list[str]]) -> dict[str, list[str]]:
    """What is wrong on which page."""
    wrong = {}
    for address in addresses:
        page.goto(address)
        if found := look(page):
            wrong[address] = found
    return wrong


def main_pages(house: furnished.House) -> list[str]:
    """One of each kind."""
    item, note = f"/items/{house.photo.public_id}", f"/items/{house.note.public_id}"
    ours = ["/", "/?q=walnut", "/?q=zzzz&by=alice&kind=text", item, note, f"{note}/edit", "/upload", "/trash", "/queue"]
    rest = ["/usage", "/spaces", "/ask", "/search/facets?q=walnut", f"/selection/move?id={house.photo.public_id}"]
    lists = ["/admin/", "/admin/library/item/", f"/admin/library/item/{house.photo.pk}/change/"]
    return [*ours, *rest, *lists, "/admin/library/item/add/", f"/admin/accounts/team/{house.team.pk}/change/"]


def still(page: Page) -> list[str]:
    """Also what moves where that was asked not to be."""
    return [*problems(page), *page.evaluate(MOVING)]


def test_every_page_is_for_everybody_and_stands_still_where_asked(live_server, house) -> None:
    before = tally.copy()
    with page_of("alice", live_server.url, **DESK) as page:
        assert walk(page, [*furnished.pages(house), "/api/v1/docs"], still) == {}
    seen = {name: tally[name] - before[name] for name in ("pages", "violations")}
    figures.keep(10, "csp violations", **seen)
    assert seen["pages"] > 20 and seen["violations"] == 0


@pytest.mark.parametrize("forbidden", ["<style>p { color: red }</style>", "<img src='https://elsewhere.test/a.png'>"])
def test_what_the_policy_forbids_is_noticed_on_whatever_page_a_test_opens(live_server, forbidden) -> None:
    said = "Content Security Policy"
    with pytest.raises(AssertionError, match=said), page_at(live_server.url, expecting=said) as page:
        other = page.context.new_page()
        other.goto("/accounts/login/")
        with other.expect_console_message(lambda message: "Policy" in message.text):
            other.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", forbidden)


def test_every_page_that_says_what_is_wrong_is_for_everybody(live_server, house) -> None:
    with page_of("alice", live_server.url, expecting=REFUSED, **DESK) as page:
        assert walk(page, [*furnished.refused(), "/broken"], still) == {}


def test_every_page_of_the_admin_is_for_everybody_and_stands_still_where_asked(live_server, house) -> None:
    # Histories, lists, and questions before a deletion look alike whatever they are of.
    alike = re.compile(r"/history/$|/delete/$|/admin/\w+/\w+/$")
    addresses = [one for one in furnished.admin_pages(house) if not alike.search(one) or "/library/tag/" in one]
    with page_of("alice", live_server.url, **DESK) as page:
        assert walk(page, addresses, still) == {}


def test_by_night_on_a_phone_a_thumb_hits_what_it_aims_at(live_server, house) -> None:
    def look(page: Page) -> list[str]:
        return [*problems(page), *page.evaluate(SMALL, [PRESSED, 24]), *page.evaluate(SMALL, [MAIN, 44])]

    with page_of("alice", live_server.url, color_scheme="dark", **PHONE) as page:
        assert walk(page, main_pages(house), look) == {}


def opened(page: Page, house: furnished.House) -> Iterator[str]:
    """What can be opened, one after the other."""
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "help"
    page.keyboard.press("Escape")
    page.get_by_label("Account of alice").click()
    yield "account"
    page.get_by_label("Account of alice").click()
    page.locator("[data-filters]").click()
    expect(page.get_by_text("Added by")).to_be_visible()
    yield "drawer"
    page.goto(f"/items/{house.photo.public_id}")
    page.locator("a[data-move]").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "move"
    page.goto(f"/items/{house.note.public_id}/edit")
    if page.viewport_size == PHONE["viewport"]:
        page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Preview", exact=True).locator(".prose")).to_contain_text("Qlet qit qrest.")
    yield "preview"
    page.goto("/queue")
    assert page.evaluate(OPEN_ALL) > 5
    yield "queue"


@LOOKS
def test_what_opens_is_for_everybody(live_server, house, how) -> None:
    with page_of("alice", live_server.url, **how) as page:
        wrong = {name: found for name in opened(page, house) if (found := problems(page))}
    assert wrong == {}


def wider_somewhere(page: Page) -> list[str]:
    """What is wider than a window of a desk, or of a phone."""
    found = []
    for how in (DESK, PHONE):
        page.set_viewport_size(how["viewport"])
        come_to_rest(page)
        found += page.evaluate(WIDER)
    return found


def test_pages_read_from_right_to_left(live_server, house, settings) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "Arabic")]
    with page_of("alice", live_server.url, locale="ar", **PHONE) as page:
        page.goto("/")
        assert page.evaluate("document.documentElement.dir") == "rtl"
        assert walk(page, main_pages(house), wider_somewhere) == {}


def test_german_words_fit_on_a_phone(live_server, house) -> None:
    with page_of("alice", live_server.url, locale="de-DE", **PHONE) as page:
        page.goto("/")
        assert page.evaluate("document.documentElement.lang") == "de"
        assert walk(page, main_pages(house), lambda page: [*page.evaluate(WIDER), *page.evaluate(CUT)]) == {}
