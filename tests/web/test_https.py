"""A site that is served over https, behind a proxy."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys

from django.test import Client

from searchsite.config import ROOT

# As docs/deploy.md has them.
SETTINGS = {"HTTPS": "true", "ALLOWED_HOSTS": "testserver", "TRUSTED_ORIGINS": "https://testserver", "HOST": "0.0.0.0"}
SETTINGS |= {"SECRET_KEY": secrets.token_hex(32), "FILES_URL": "https://files.example.org"}
ASK = """
import django, json
django.setup()
from django.test import Client
secure = Client().get("/livez", headers={"X-Forwarded-Proto": "https"})
plain = Client().get("/search?q=car")
probe = Client().get("/livez")
print(json.dumps([dict(secure.headers), plain.status_code, plain["Location"], probe.status_code]))
"""


def python(*words: str) -> str:
    environment = os.environ | SETTINGS
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_django_finds_nothing_to_warn_of() -> None:
    assert "no issues" in python("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def test_browsers_are_told_to_stay_with_https() -> None:
    headers, status, location, probe = json.loads(python("-c", ASK))
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (status, location, probe) == (301, "https://testserver/search?q=car", 200)


def test_every_answer_is_inert() -> None:
    answer = Client().get("/livez", headers={"X-Forwarded-Proto": "https"})
    assert answer["X-Frame-Options"] == "DENY" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer
