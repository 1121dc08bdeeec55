"""Half an address, wherever one is sent along; and types of bodies that nobody means."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite.accounts.models import User
from searchsite.web import media_types
from tests import made

HALVES = ("http://[", "//[", "http://[::1", "http://evil.example/", "//evil.example", "javascript:alert(1)")
PASSWORD = "a-long-password-of-hers"


@pytest.fixture
def alice(db) -> User:
    user = User.objects.create_user("alice", password=PASSWORD)
    made.team_of(user)
    return user


@pytest.mark.parametrize("half", HALVES)
def test_whoever_signs_in_or_out_is_sent_home(alice: User, half: str) -> None:
    browser, sent = Client(), {"login": "alice", "password": PASSWORD, "next": half}
    assert browser.get("/accounts/login/", {"next": half}).status_code == 200
    assert browser.post("/accounts/login/", sent | {"password": "wrong"}).status_code == 200
    answer = browser.post("/accounts/login/", sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert browser.get("/upload").status_code == 200
    assert browser.post("/accounts/logout/", {"next": half}).headers["Location"] in ("/", "/accounts/login/")
    assert browser.get("/upload").status_code == 302


def test_whoever_signs_in_goes_on_where_they_were(alice: User) -> None:
    sent = {"login": "alice", "password": PASSWORD, "next": "/queue?team=1"}
    assert Client().post("/accounts/login/", sent).headers["Location"] == "/queue?team=1"


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("address", ["/search?q=a", "/queue/live", "/?q=a"])
def test_a_script_of_a_page_with_half_an_address_is_sent_to_sign_in(db, address: str, half: str) -> None:
    answer = Client().get(address, headers={"HX-Request": "true", "HX-Current-URL": half})
    assert answer.status_code in (200, 302) and "evil" not in answer.headers.get("HX-Redirect", "")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", ""),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/plain;charset=zlib", "text/plain"),
        ("a/b; x*=nope''x", "a/b"),
        ("multipart/form-data; boundary=----x1", "multipart/form-data; boundary=----x1"),
        ('multipart/form-data; charset=hex; boundary="a b;c"', 'multipart/form-data; boundary="a b;c"'),
        ("multipart/form-data; boundary*=nope''x", "multipart/form-data"),
        (";;;", ""),
    ],
)
def test_of_a_type_there_is_its_name_and_its_boundary(said: str, found: str) -> None:
    assert media_types.plain(said) == found
