"""The browser of this machine, if it has one."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    """Where it is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def needed() -> str:
    """Where it is; without one the test is skipped, but never silently where CI says that it counts."""
    path = found()
    if path is None:
        reason = f"These tests need one of {', '.join(NAMES)} on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
