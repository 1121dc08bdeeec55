"""Guessing passwords, whatever address it seems to come from."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite.accounts.models import User
from searchsite.config import Config
from searchsite.web.proxies import visitor
from tests import figures

LOGIN = "/accounts/login/"


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice", password="correct horse battery")


def let_in(address: str) -> bool:
    right = {"login": "alice", "password": "correct horse battery"}
    return Client().post(LOGIN, right, REMOTE_ADDR=address).status_code == 302


def test_one_persons_password_is_guessed_five_times_from_wherever(alice) -> None:
    answers = [
        Client().post(LOGIN, {"login": "alice", "password": f"wrong {n}"}, REMOTE_ADDR=f"198.51.100.{n}")
        for n in range(25)
    ]
    looked_at = sum("not correct" in one.content.decode() for one in answers)
    figures.keep(10, "limits-sign-in-one-person", tried=25, looked_at=looked_at)
    assert looked_at <= 5
    assert not let_in("203.0.113.9"), "five minutes must pass"


def test_one_address_guesses_few_passwords_whatever_the_header_says(alice) -> None:
    here = "198.51.100.200"
    answers = [
        Client().post(
            LOGIN,
            {"login": f"person{n}", "password": "letmein"},
            REMOTE_ADDR=here,
            headers={"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"},
        )
        for n in range(25)
    ]
    looked_at = sum("not correct" in one.content.decode() for one in answers)
    figures.keep(10, "limits-sign-in-one-address", tried=25, looked_at=looked_at)
    assert looked_at <= 10 and answers[-1].status_code in (200, 429)
    assert let_in("198.51.100.201"), "others still come in"


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/accounts/password/reset/", "/accounts/signup/"])
def test_there_is_no_other_door_for_a_password(alice, path) -> None:
    answer = Client().post(path, {"username": "alice", "password": "correct horse battery"})
    assert answer.status_code in (302, 404)
    assert answer.status_code == 404 or answer["Location"].startswith((LOGIN, "/admin/login/"))
    assert "session" not in answer.cookies


@pytest.mark.parametrize("name", ["authorization"])
def test_a_password_is_no_token(alice, name) -> None:
    basic = "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"
    assert Client().get("/api/v1/items", headers={name: basic}).status_code == 401


@pytest.mark.parametrize(
    ("here", "said", "found"),
    [
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "192.0.2.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),
        ("10.0.0.2", "10.0.0.9", "10.0.0.9"),
    ],
)
def test_only_a_known_proxys_word_is_taken(here, said, found) -> None:
    assert visitor(here, said, ("10.0.0.0/24",)) == found


def test_behind_a_known_proxy_each_visitor_is_counted_apart(alice, settings) -> None:
    settings.CONFIG = Config(trusted_proxies=["10.0.0.2"], visits_per_minute=3)
    seen = [
        Client().get(LOGIN, REMOTE_ADDR="10.0.0.2", headers={"X-Forwarded-For": f"192.0.2.99, 2001:db8:{n:x}::1"})
        for n in (0x77AA, 0x77AB, 0x77AA)
    ]
    assert [one.status_code for one in seen] == [200, 200, 429]
    outside = Client().get("/metrics", REMOTE_ADDR="10.0.0.2", headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.1"})
    assert outside.status_code == 404
