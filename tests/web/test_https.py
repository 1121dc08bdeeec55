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
REFUSE = """
import django, json
django.setup()
from django.test import Client
to_https, no_host = Client().get("/search"), Client(headers={"host": "evil.example"}).get("/search")
language = Client().post("/language", {"language": "de"}, headers={"X-Forwarded-Proto": "https"})
cookies = {name: dict(one) for name, one in language.cookies.items()}
print(json.dumps([[one.status_code, dict(one.headers)] for one in (to_https, no_host)] + [cookies]))
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


def test_what_is_refused_before_any_page_is_inert_too() -> None:
    to_https, no_host, cookies = json.loads(python("-c", REFUSE))
    assert (to_https[0], no_host[0]) == (301, 400)
    for _status, headers in (to_https, no_host):
        assert headers["X-Frame-Options"] == "DENY" and "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Server"] == "searchsite"
    (name, cookie), *others = cookies.items()
    assert others == [] and name == "__Host-language"
    assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["domain"]
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE"
    ask = f"from django.conf import settings; print(*[getattr(settings, one) for one in {names.split()}])"
    assert python("-c", ask).split() == ["__Host-session", "__Host-csrf", "True", "True"]


def test_every_answer_is_inert() -> None:
    answer = Client().get("/livez", headers={"X-Forwarded-Proto": "https"})
    assert answer["X-Frame-Options"] == "DENY" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer
