"""What bandit and our own rules for semgrep find in the code, and that they do find what is wrong (`make security`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = sorted(Path(__file__).parent.glob("*.yaml"))
SEMGREP = ROOT / ".venv-semgrep" / "bin" / "semgrep"
OURS = ("searchsite", "templates", "manage.py")
QUIETLY = ("--metrics", "off", "--disable-version-check", "--json")
# Where another wrote the script, or Django did.
NOT_OURS = ("migrations", "vendor")
PLANTED = """
import hashlib, pickle, subprocess, tempfile
from django.utils.safestring import mark_safe
password = "hunter2"
def handed(data, name):
    eval(data)
    pickle.loads(data)
    subprocess.run(name, shell=True)
    hashlib.md5(data)
    tempfile.mktemp()
    return mark_safe("<b>" + name)
"""
pytestmark = pytest.mark.skipif(
    not SEMGREP.exists() and os.environ.get("CI") != "true", reason="semgrep is not installed; `make security` does it"
)
SHOWN = "B105 B301 B306 B307 B308 B324 B602 B703"


def semgrep(*arguments: str | Path, home: Path) -> Any:
    """What it answers; nothing is asked of the network, and nothing is kept in one's home."""
    environment = {**os.environ, "SEMGREP_SETTINGS_FILE": str(home / "settings.yml"), "HOME": str(home)}
    command = [SEMGREP, "scan", *QUIETLY, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def bandit(*paths: str | Path) -> Any:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml"]
    command += ["--format", "json", *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def ours(suffix: str) -> set[str]:
    """The files that must have been read."""
    paths = (path.relative_to(ROOT) for name in OURS for path in [ROOT / name, *(ROOT / name).rglob("*")])
    return {str(path) for path in paths if path.suffix == suffix and not set(NOT_OURS) & set(path.parts)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_it_finds_nothing_by_our_rules_in_any_file(home: Path) -> None:
    chosen = [part for rules in RULES for part in ("--config", rules)]
    left_out = [part for name in NOT_OURS for part in ("--exclude", name)]
    found = semgrep(*chosen, *left_out, "--no-git-ignore", *OURS, home=home)
    assert [(one["check_id"], one["path"], one["start"]["line"]) for one in found["results"]] == []
    assert found["errors"] == []
    wanted = ours(".py") | ours(".html") | ours(".js")
    assert len(wanted) > 500
    assert wanted - set(found["paths"]["scanned"]) == set()


def test_each_rule_finds_its_bad_examples_and_no_good_one(home: Path) -> None:
    tried = semgrep("--test", Path(__file__).parent, home=home)
    checks = {name: one for file in tried["results"].values() for name, one in file["checks"].items()}
    assert {name for name, one in checks.items() if not one["passed"]} == set()
    rules = [rule["id"] for path in RULES for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]]
    assert len(rules) > 20
    assert set(checks) == set(rules)
    for name, one in checks.items():
        assert any(lines["reported_lines"] for lines in one["matches"].values()), f"{name} has no bad example"
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.[!y]*"))
    assert [name for name in rules if f" ok: {name}" not in texts] == []


def test_bandit_finds_nothing_in_any_file() -> None:
    found = bandit("searchsite", "manage.py")
    assert [(one["test_id"], one["filename"], one["line_number"]) for one in found["results"]] == []
    assert found["errors"] == []
    assert ours(".py") - {str(Path(name)) for name in found["metrics"]} == set()
    assert found["metrics"]["_totals"]["nosec"] + found["metrics"]["_totals"]["skipped_tests"] < 20


def test_bandit_finds_what_is_planted(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(PLANTED)
    assert {one["test_id"] for one in bandit(tmp_path)["results"]} >= set(SHOWN.split())
