"""The dependencies: none older than what mended its known holes, every file of them known by its hash."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

from searchsite.ops import install

ROOT = Path(__file__).parent.parent
RUN, DEV, RULES = (
    ROOT / name for name in ("requirements.lock", "tests/requirements.lock", "tests/rules/requirements.lock")
)
# The first release without a hole that could be reached here, and what that hole was.
FLOORS = {
    "pillow": (
        "12.3.0",
        "memory written to by PSD, JPEG 2000 and ICC; bombs of GD, FITS, PDF and EPS (CVE-2026-59205)",
    ),
    "django": ("5.2.14", "statements through names of columns, uploads beyond their limit (CVE-2026-1287, -5766)"),
    "pillow-heif": ("1.3.0", "memory read beyond its end (CVE-2026-28231)"),
    "django-allauth": ("65.13.0", "people known by a name that they may change (CVE-2025-65431)"),
    "celery": ("5.2.2", "commands in results (CVE-2021-23727)"),
    "redis": ("4.5.5", "answers of another caller (CVE-2023-28859)"),
    "sqlparse": ("0.5.4", "nested lists that take for ever (GHSA-27jp-wm6q-gp25)"),
    "certifi": ("2024.7.4", "a root that is trusted no more (CVE-2024-39689)"),
    "h11": ("0.16.0", "bodies in pieces that another reads otherwise (CVE-2025-43859)"),
    "idna": ("3.7", "names that take for ever (CVE-2024-3651)"),
    "requests": ("2.32.4", "passwords of .netrc for another host (CVE-2024-47081)"),
    "urllib3": ("2.6.0", "answers that unpack without end (CVE-2025-66418)"),
    "werkzeug": ("3.1.4", "names of devices as paths (CVE-2025-66221)"),
    "cryptography": ("46.0.5", "keys on a weak curve (CVE-2026-26007)"),
}
LINE = re.compile(
    r"(?m)^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)(?: ; ([^\\\n]+))?((?: *\\\n +--hash=sha256:[0-9a-f]{64})*)"
)


def locked(lock: Path) -> dict[str, list[tuple[Version, str, int]]]:
    """By name: the versions, for what systems, and how many hashes each has."""
    found: dict[str, list[tuple[Version, str, int]]] = {}
    for name, version, marker, hashes in LINE.findall(lock.read_text(encoding="utf-8")):
        found.setdefault(name, []).append((Version(version), marker.strip(), hashes.count("sha256:")))
    return found


def here(lock: Path) -> dict[str, Version]:
    """What the lock wants on this machine."""
    return {
        name: version
        for name, lines in locked(lock).items()
        for version, marker, _hashes in lines
        if not marker or Marker(marker).evaluate()
    }


def test_nothing_installed_is_older_than_what_mended_its_holes() -> None:
    installed = {one.name.lower().replace("_", "-"): Version(one.version) for one in metadata.distributions()}
    assert {"pillow", "django", "celery", "certifi"} <= set(installed)
    assert [
        name for name, (floor, _hole) in FLOORS.items() if installed.get(name, Version(floor)) < Version(floor)
    ] == []


@pytest.mark.parametrize("lock", [RUN, DEV, RULES], ids=["run", "tests", "rules"])
def test_no_lock_names_an_older_one(lock: Path) -> None:
    names = locked(lock)
    assert len(set(names) & set(FLOORS)) >= 5
    floors = {name: Version(floor) for name, (floor, _hole) in FLOORS.items()}
    assert [(name, str(at)) for name in floors for at, *_rest in names.get(name, ()) if at < floors[name]] == []


@pytest.mark.parametrize("lock", [RUN, DEV, RULES], ids=["run", "tests", "rules"])
def test_each_line_of_a_lock_has_hashes(lock: Path) -> None:
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith((" ", "#"))]
    names = locked(lock)
    assert sum(map(len, names.values())) == len(lines) > 50
    assert [name for name, found in names.items() if not all(hashes for _at, _marker, hashes in found)] == []


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    run, dev = locked(RUN), locked(DEV)
    assert {name: lines for name, lines in run.items() if dev.get(name) != lines} == {}


def test_what_is_installed_is_what_is_locked() -> None:
    names = {
        one.name.lower().replace("_", "-").replace(".", "-"): Version(one.version) for one in metadata.distributions()
    }
    wrong = {name: str(at) for name, at in here(DEV).items() if names.get(name.replace(".", "-")) != at}
    assert wrong == {}


def test_what_we_name_is_locked_as_we_want_it() -> None:
    wanted = [
        Requirement(line) for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    ]
    run = locked(RUN)
    assert len(wanted) > 20
    assert [one for one in wanted if not all(one.specifier.contains(at) for at, *_rest in run[one.name])] == []


def test_an_installation_checks_the_hashes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is another than the lock names is refused before it is opened."""
    wheel = tmp_path / "six-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"six @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    assert not install.run_pip(lock)
    assert "DO NOT MATCH THE HASHES" in capsys.readouterr().out
