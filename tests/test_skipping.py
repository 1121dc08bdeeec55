"""With CI=true what is skipped has failed, save for reasons that we know of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRIED = """
import pytest

def test_by_itself(): pytest.skip("no time")
@pytest.mark.skipif(True, reason="no mood")
def test_by_a_mark(): ...
@pytest.fixture
def lacking(): pytest.skip("no browser")
def test_by_a_fixture(lacking): ...
@pytest.mark.xfail
def test_that_is_known_to_fail(): assert False
def test_that_may_be_skipped(): pytest.skip("a file system can't be mounted here")
def test_that_runs(): ...
"""
WHOLE = "import pytest\npytest.importorskip('a_module_that_is_not_there', reason='no module')\n"


def test_it_counts_as_failed_what_is_skipped_for_no_known_reason(tmp_path: Path) -> None:
    (tmp_path / "test_tried.py").write_text(TRIED)
    (tmp_path / "test_whole.py").write_text(WHOLE)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    plugins = [part for name in ("tests.skipping", "no:django", "no:randomly") for part in ("-p", name)]
    more = ["--continue-on-collection-errors", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:valkey"]
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        [*command, *plugins, *more], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 3 errors" in done.stdout.splitlines()[-1], done.stdout
