"""A real browser in front of a live server, signed in as somebody."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.answers.conftest import browser as signed_in

NAMES = ("chromium", "chromium-browser", "google-chrome")
Open = Callable[..., Page]


@contextmanager
def running() -> Iterator[Browser]:
    """The browser; without one these tests are skipped, but never silently where CI says that they count."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = f"These tests need one of {', '.join(NAMES)} on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser, url: str, name: str = "alice", **how: object) -> Page:
    """A page of somebody's browser."""
    context = browser.new_context(base_url=url, **how)
    session = signed_in(name).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
    return context.new_page()
