"""Whatever `python3` is, the first step says in one sentence what is wrong."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from searchsite.config import ROOT

BOOTSTRAP = ROOT / "searchsite" / "ops" / "bootstrap.py"
PRETEND = "import sys, runpy; sys.version_info = {}; runpy.run_path(sys.argv[1], run_name='__main__')"


def bootstrap(version: tuple[int, int], path: str) -> subprocess.CompletedProcess[str]:
    """Run it under a Python that says it is of another version, with no other Python that would fit."""
    code = PRETEND.replace("{}", repr(version)) + "\n"
    code = code.replace("runpy.run_path", f"sys.executable = {path + '/none'!r}; runpy.run_path")
    return subprocess.run(
        [sys.executable, "-c", code, str(BOOTSTRAP)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("version", "word"), [((3, 8), "too old (3.8)"), ((3, 14), "too new (3.14)")])
def test_a_python_that_does_not_fit_gets_one_sentence(version: tuple[int, int], word: str, tmp_path: Path) -> None:
    done = bootstrap(version, str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert word in done.stderr


def test_a_python_without_venv_gets_the_name_of_the_package(tmp_path: Path) -> None:
    bare = tmp_path / "python3.12"
    bare.write_text("#!/bin/sh\necho 3.12\n", encoding="ascii")
    bare.chmod(0o755)
    done = bootstrap((3, 8), str(tmp_path))
    assert "apt install python3.12-venv" in done.stderr


def test_very_old_pythons_can_read_it() -> None:
    source = BOOTSTRAP.read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.Starred) for node in ast.walk(tree))
