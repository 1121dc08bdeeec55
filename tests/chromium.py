"""The browser of this machine, if it has one: started once for all tests of a process."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

# The first draws no window that nobody sees: the tests take an eighth less of the processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@dataclass
class _Started:
    """What this process has started, with the event loop that it answers in."""

    playwright: Playwright
    loop: asyncio.AbstractEventLoop
    browser: Browser


_started: list[_Started] = []


def needed() -> str:
    """Where it is; without one the test is skipped, but never silently where CI says that it counts."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"These tests need one of {', '.join(NAMES)} on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def running() -> Iterator[Browser]:
    """The browser of this process. To start one costs more than a second; a fresh context in it a third of that."""
    path, before = needed(), asyncio._get_running_loop()
    if not _started:
        _started.append(_start(path))
    here = _started[0]
    # Only within: whoever finds an event loop running opens a connection to the database that belongs to it.
    asyncio._set_running_loop(here.loop)
    try:
        if not here.browser.is_connected():
            here.browser = _launch(here.playwright, path)
        yield here.browser
    finally:
        asyncio._set_running_loop(before)


def close() -> None:
    """End what this process has started."""
    while _started:
        here = _started.pop()
        asyncio._set_running_loop(here.loop)
        here.browser.close()
        here.playwright.stop()
        asyncio._set_running_loop(None)


def _start(path: str) -> _Started:
    playwright = sync_playwright().start()
    return _Started(playwright, asyncio.get_running_loop(), _launch(playwright, path))


def _launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
