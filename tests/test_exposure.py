"""The site is not served to others with DEBUG, with a key that can be guessed, or without https."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

from searchsite import exposure
from searchsite.config import ROOT, Config, load
from searchsite.ops import checks
from tests import figures

GOOD = secrets.token_hex(32)
MANUAL = "django-insecure-w8#k2q9v!x5z7m1n3b6c0a4s"
NO_HTTPS = "Others reach {} without https, so that passwords and files could be read on their way:"
OPEN = [
    ({"host": "0.0.0.0"}, NO_HTTPS.format("0.0.0.0")),
    ({"host": "::"}, NO_HTTPS.format("::")),
    ({"host": "192.168.1.5"}, NO_HTTPS.format("192.168.1.5")),
    ({"host": "search.example.org"}, NO_HTTPS.format("search.example.org")),
    ({"host": "0.0.0.0", "bind": "0.0.0.0:8000"}, NO_HTTPS.format("0.0.0.0")),
    ({"host": "0.0.0.0", "bind": "8000"}, NO_HTTPS.format("0.0.0.0")),
    ({"host": "0.0.0.0", "https": True, "secret_key": "short"}, "SECRET_KEY is shorter than 32 characters"),
    ({"host": "127.0.0.1", "https": True, "secret_key": MANUAL}, "SECRET_KEY looks like one from a manual"),
    ({"https": True, "secret_key": "x" * 50}, "SECRET_KEY has fewer than 8 different characters"),
    ({"host": "0.0.0.0", "insecure_http": True, "secret_key": "changeme" * 5}, "SECRET_KEY has fewer than 8"),
    ({"debug": True, "bind": "192.168.1.5:80", "insecure_http": True}, "DEBUG=true shows the inside"),
]
FIT = [
    {},
    {"debug": True},
    {"host": "localhost", "secret_key": "short"},
    {"host": "0.0.0.0", "bind": "127.0.0.1:8000"},
    {"host": "0.0.0.0", "bind": "[::1]:8000"},
    {"host": "0.0.0.0", "https": True, "secret_key": GOOD},
    {"host": "0.0.0.0", "bind": "0.0.0.0:443", "https": True},
    {"host": "192.168.1.5", "insecure_http": True, "secret_key": GOOD},
]


@pytest.mark.parametrize(("settings", "sentence"), OPEN)
def test_what_others_would_reach_unprotected_is_refused(settings: dict[str, object], sentence: str) -> None:
    (said,) = exposure.in_the_way(Config(**settings))
    assert said.startswith(sentence) and said.endswith((".", "48.")) and "\n" not in said


@pytest.mark.parametrize("settings", FIT)
def test_what_is_protected_or_stays_here_is_served(settings: dict[str, object]) -> None:
    assert list(exposure.in_the_way(Config(**settings))) == []


def test_debug_never_meets_https() -> None:
    with pytest.raises(ValueError, match="leave DEBUG or HTTPS out"):
        Config(debug=True, https=True)


@pytest.mark.parametrize("make", [lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(24), lambda: GOOD])
def test_keys_by_lot_are_good(make) -> None:
    assert [key for key in (make() for _ in range(300)) if exposure.weak(key)] == []


def start(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    environment = os.environ | settings
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "words", [("manage.py", "up"), ("manage.py", "serve", "web"), ("-c", "import searchsite.wsgi")]
)
def test_no_door_opens_before_all_of_it_is_right(words: tuple[str, ...]) -> None:
    done = start(*words, HOST="0.0.0.0", SECRET_KEY="changeme")
    assert done.returncode == 1 and "Traceback" not in done.stderr and "changeme" not in done.stderr
    plain, key = done.stderr.removeprefix("CommandError: ").strip().splitlines()
    assert plain.startswith("Others reach 0.0.0.0 without https") and key.startswith("SECRET_KEY is shorter")
    assert "searchsite starts" not in done.stdout
    figures.keep(10, f"unprotected starts refused, {words[-1]}", refused=1, started=0)


def test_the_check_for_deployment_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")
    load.cache_clear()
    (error,) = checks.guarded(None)
    assert error.id == "searchsite.E001" and "without https" in error.msg
    monkeypatch.undo()
    load.cache_clear()
    assert checks.guarded(None) == []


def test_the_kept_key_is_long_and_nobody_elses_to_read() -> None:
    data = load().data_dir
    key = data / "secret_key"
    assert exposure.weak(key.read_text(encoding="ascii")) == ""
    assert (key.stat().st_mode & 0o777, data.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_wrong_host_of_files_is_one_plain_sentence() -> None:
    done = start("manage.py", "up", FILES_URL="https://files.example.org/path")
    assert done.returncode == 1 and done.stderr.startswith("The setting FILES_URL is wrong: it must be a host alone")
