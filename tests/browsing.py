"""A real browser in front of a live server, signed in as somebody."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import ConsoleMessage, Error, Page, sync_playwright

from searchsite.accounts.models import User
from tests import chromium


@contextmanager
def page_of(name: str, url: str, *, expecting: str = "", **how: Any) -> Iterator[Page]:
    """A page of somebody's browser, whose console must stay free of errors, save those that `expecting` is in; without
    a browser the test is skipped, but never silently where CI says that it counts."""
    found = chromium.found()
    if found is None:
        reason = f"These tests need one of {', '.join(chromium.NAMES)} on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Before the browser starts: in its event loop Django would open a connection that nobody closes.
    client = Client()
    client.force_login(User.objects.get(username=name))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []

    def failed(error: Error) -> None:
        # Chromium complains of a transition between pages that a busy machine could not show in time.
        if "Transition was aborted" not in str(error) and "ViewTransition" not in str(error):
            complaints.append(str(error))

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (expecting and expecting in message.text):
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(base_url=url, **how)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", failed)
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        patient(page)
        yield page
        browser.close()
    assert complaints == []


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


def looks_right(page: Page) -> None:
    """Axe finds nothing, and nothing is wider than the window."""
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
