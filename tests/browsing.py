"""A real browser in front of a live server, signed in as somebody."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, Request, TimeoutError, WebError, expect

from searchsite.accounts.models import User
from tests import chromium

PATIENCE = 15.0
STILL: dict[str, Any] = {"reduced_motion": "reduce"}
"""As each page is asked to be that does not ask for movement: to draw it takes an eighth of the processor."""
MOVING: dict[str, Any] = {"reduced_motion": "no-preference"}
POLICY = re.compile("Content[ -]Security[ -]Policy", re.IGNORECASE)
TRANSITION = re.compile("Transition was (aborted|skipped)|ViewTransition")
tally = Counter[str]()
"""Of all browsers of this process: pages that were opened, violations of the content security policy."""
expect.set_options(timeout=PATIENCE * 1000)
# Movements that end have ended, save those that follow the scrolling, and letters have come.
RESTED = """async (most) => {
    await document.fonts.ready;
    const ends = (one) => one.timeline instanceof DocumentTimeline && one.effect.getComputedTiming().endTime < Infinity;
    const moving = () => document.getAnimations().filter((one) => one.playState === "running" && ends(one));
    const until = performance.now() + most;
    for (let left; (left = moving()).length && performance.now() < until;) {
        const wait = new Promise((done) => { setTimeout(done, 500); });
        await Promise.race([wait, Promise.allSettled(left.map((one) => one.finished))]);
    }
}"""


@contextmanager
def page_of(name: str, url: str, *, expecting: str = "", **how: Any) -> Iterator[Page]:
    """A page of somebody's browser, which is signed in."""
    # Before the browser starts: in its event loop Django would open a connection that nobody closes.
    client = Client()
    client.force_login(User.objects.get(username=name))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with page_at(url, expecting=expecting, **how) as page:
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        yield page


@contextmanager
def page_at(url: str, *, expecting: str = "", **how: Any) -> Iterator[Page]:
    """A page in a fresh context, whose console must stay free of errors, save those that `expecting` is in.

    So must those of all pages that it opens. What the content security policy forbids is never expected.
    """
    complaints: list[str] = []

    def failed(wrong: WebError) -> None:
        error = wrong.error
        # Chromium complains of a transition between pages that a busy machine could not show in time, or that the next
        # page cut short: "Transition was aborted", "Transition was skipped".
        if not TRANSITION.search(str(error)):
            complaints.append(str(error))

    def heard(message: ConsoleMessage) -> None:
        violates = POLICY.search(message.text) is not None
        tally["violations"] += violates
        if violates or (message.type in ("error", "warning") and not (expecting and expecting in message.text)):
            complaints.append(message.text)

    def asked(request: Request) -> None:
        tally["pages"] += request.is_navigation_request()

    with chromium.running() as browser, browser.new_context(base_url=url, **STILL | how) as context:
        context.on("console", heard)
        context.on("weberror", failed)
        context.on("request", asked)
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        patient(page)
        yield page
    assert complaints == [], complaints


def patient(page: Page) -> None:
    """Keys reach a page only when its scripts have run: a page that came a moment ago shows its text before that."""
    press = page.keyboard.press

    def pressed(key: str, **how: Any) -> None:
        page.wait_for_load_state("domcontentloaded")
        press(key, **how)

    page.keyboard.press = pressed  # type: ignore[method-assign]


def elsewhere(work: Callable[[], object]) -> None:
    """Do something with the database while a browser runs: in a thread of its own."""

    def done() -> None:
        work()
        connections.close_all()

    thread = threading.Thread(target=done)
    thread.start()
    thread.join()


def eventually(page: Page, true: Callable[[], object]) -> None:
    """Wait until something holds that is asked from here; what the page itself shows is for `expect`."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "it never came"
        page.wait_for_timeout(50)


def come_to_rest(page: Page) -> None:
    """Wait until what was loaded is there and what moves for a moment stands still."""
    page.wait_for_load_state("load")
    page.evaluate(RESTED, 5000)


def looks_right(page: Page, *, preload: bool = True) -> None:
    """Axe finds nothing, and nothing is wider than the window. preload: style sheets are read again by a script."""
    with suppress(TimeoutError):
        # A page that asks again and again is never silent where answers take long.
        page.wait_for_load_state("networkidle", timeout=5000)
    for patience in (1000, 0):
        come_to_rest(page)
        # To gather all that is right, too, takes as long again.
        found = Axe().run(page, options={"preload": preload, "resultTypes": ["violations"]})
        if found.violations_count == 0:
            break
        # Buttons are pale for as long as what they ask is under way.
        page.wait_for_timeout(patience)
    assert found.violations_count == 0, found.generate_report()
    # Not innerWidth: on a phone that grows with what is too wide for it.
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
