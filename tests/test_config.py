"""What is wrong with the environment is said in plain sentences, before anything starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.cache import cache

from searchsite.config import ROOT, Config

LOG = "import django, structlog; django.setup(); structlog.get_logger().info('a small thing')"


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | settings
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "abc"}, "The setting PORT is wrong: input should be a valid integer"),
        ({"LOG_LEVEL": "typo"}, "The setting LOG_LEVEL is wrong: input should be 'DEBUG', 'INFO'"),
        ({"DEBUG": "true", "HOST": "0.0.0.0"}, "DEBUG=true shows the inside of the site to whoever reaches 0.0.0.0"),
        ({"DATABASE_URL": "hunter2"}, "The setting DATABASE_URL is wrong: it must begin with postgresql://"),
        ({"VISITOR_HEADER": "X_Forwarded_For"}, "The setting VISITOR_HEADER is wrong: it must be the name of a header"),
        ({"SECRET_KEY_FILE": "/nonexistent"}, "SECRET_KEY_FILE=/nonexistent: no text can be read there."),
    ],
)
def test_a_wrong_setting_keeps_the_house_from_starting(settings: dict[str, str], sentence: str) -> None:
    done = run("manage.py", "up", **settings)
    assert done.returncode == 1 and done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr and "hunter2" not in done.stderr


def test_each_wrong_setting_has_a_line() -> None:
    assert run("manage.py", "up", PORT="abc", WORKERS="-1").stderr.count("The setting ") == 2


@pytest.mark.parametrize("address", ["postgresql://db/x", "host=/run/db dbname=x"])
def test_both_forms_of_a_database_address_are_known(address: str) -> None:
    assert Config(database_url=address).database_url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_debug_is_for_this_machine(host: str) -> None:
    assert Config(debug=True, host=host).debug


@pytest.mark.parametrize(("level", "written"), [("info", True), ("WARNING", False)])
def test_the_log_level_holds_for_our_own_lines(level: str, written: bool) -> None:
    done = run("-c", LOG, LOG_LEVEL=level)
    assert done.returncode == 0 and ("a small thing" in done.stdout) == written


def test_the_cache_does_not_forget_after_a_few_hundred_sign_ins(db) -> None:
    cache.set_many({f"key-{number}": number for number in range(320)})
    assert cache.get("key-0") == 0 and cache.get("key-150") == 150
