"""pytest plugin: with CI=true what is skipped has failed, save for what a machine of CI may lack.

A browser, a server or a module that is not there must not make the tests green. It is loaded with `-p tests.skipping`.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

ALLOWED = (
    "only root may mount a small disk",
    "this machine allows no mount of its own",
    "a file system can't be mounted here",
    "no sessions have shares here",
    "HOSTILE_FILES names no folder of such files",
)
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test, by itself, by a mark or by a fixture."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module as a whole."""
    return _judged((yield))


def _judged(report: Report) -> Report:
    known_to_fail = hasattr(report, "wasxfail")
    if report.outcome == "skipped" and not known_to_fail and os.environ.get("CI") == "true":
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(reason in said for reason in ALLOWED):
            report.outcome = "failed"
            report.longrepr = f"{said}. With CI=true nothing is skipped but for the reasons in tests/skipping.py."
    return report
