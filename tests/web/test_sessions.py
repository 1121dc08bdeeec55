"""A session ends when it should, and at once: whoever kept its cookie opens nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.conf import settings as configured
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from searchsite.accounts import sessions, teams, tokens
from searchsite.accounts.models import AuditEntry, Membership, Team, Token, User
from searchsite.library.models import Item
from searchsite.web.middleware import SessionAge
from tests import figures

PASSWORD, NEW = "alice-opens-7", "alice-closes-8"
READ = frozenset({"read", "write"})


@pytest.fixture(autouse=True)
def alices_password(garden: Team) -> None:
    alice = User.objects.get(username="alice")
    alice.is_staff = True
    alice.set_password(PASSWORD)
    alice.save()


def sign_in(browser: Client | None = None) -> Client:
    browser = browser or Client()
    answer = browser.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert answer.status_code == 302
    return browser


def copied(browser: Client) -> Client:
    """Somebody who has taken the cookie."""
    thief = Client()
    name = configured.SESSION_COOKIE_NAME
    thief.cookies[name] = browser.cookies[name].value
    return thief


def is_in(browser: Client) -> bool:
    """Whether pages, files and the admin open."""
    statuses = {browser.get(path).status_code for path in ("/", "/trash", "/admin/")}
    assert statuses in ({200}, {302})
    return statuses == {200}


def test_signing_in_gives_a_new_session(client: Client) -> None:
    client.cookies[configured.SESSION_COOKIE_NAME] = "a" * 32
    client.get("/accounts/login/")
    sign_in(client)
    assert client.cookies[configured.SESSION_COOKIE_NAME].value != "a" * 32
    assert not Session.objects.filter(session_key="a" * 32).exists()


def test_a_second_sign_in_takes_no_session_over() -> None:
    browser = sign_in()
    first = copied(browser)
    browser.post("/accounts/logout/")
    sign_in(browser)
    assert is_in(browser) and not is_in(first)


def log_out(browser: Client) -> None:
    browser.post("/accounts/logout/")


def change_password(browser: Client) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser.post("/admin/password_change/", form).status_code == 302


def deactivate(browser: Client) -> None:
    User.objects.filter(username="alice").update(is_active=False)


def grow_old(browser: Client) -> None:
    _age(browser, sessions.BEGAN, configured.SESSION_COOKIE_AGE + 1)


def lie_idle(browser: Client) -> None:
    _age(browser, sessions.SEEN, configured.SESSION_IDLE_SECONDS + 1)


def _age(browser: Client, name: str, seconds: int) -> None:
    session = browser.session
    session[name] = int(time.time()) - seconds
    session.save()


ENDS = [log_out, change_password, deactivate, grow_old, lie_idle]


@pytest.mark.parametrize("end", ENDS)
def test_a_session_that_ended_opens_nothing_to_who_kept_its_cookie(end: Callable[[Client], None]) -> None:
    browser = sign_in()
    others = [copied(browser), sign_in()] if end is not log_out else [copied(browser)]
    if end in (grow_old, lie_idle):
        others.pop()
    assert all(map(is_in, others))
    end(browser)
    figures.keep(10, f"sessions after {end.__name__}", kept=len(others), opened=sum(map(is_in, others)))
    assert not any(map(is_in, others))


def test_who_changes_the_password_stays_in() -> None:
    browser = sign_in()
    change_password(browser)
    assert is_in(browser)


def test_a_session_whose_time_is_over_is_deleted_and_written_down() -> None:
    browser = sign_in()
    lie_idle(browser)
    key = browser.cookies[configured.SESSION_COOKIE_NAME].value
    assert browser.get("/").status_code == 302
    assert not Session.objects.filter(session_key=key).exists()
    assert AuditEntry.objects.order_by("-id").first().action == "signed-out"


def test_a_session_in_use_does_not_end_and_is_written_seldom(django_assert_num_queries) -> None:
    browser = sign_in()
    began = browser.session[sessions.BEGAN]
    _age(browser, sessions.SEEN, configured.SESSION_IDLE_SECONDS - 10)
    assert is_in(browser)
    assert time.time() - browser.session[sessions.SEEN] < 60 and browser.session[sessions.BEGAN] == began
    kept = browser.session.get_expiry_date()
    browser.get("/")
    assert Session.objects.get(session_key=browser.session.session_key).expire_date <= kept


def choose_another_team(browser: Client) -> None:
    kitchen = Team.objects.filter(name="kitchen").first() or teams.create_team(
        "kitchen", User.objects.get(username="alice")
    )
    assert browser.post("/team", {"team": str(kitchen.public_id)}).status_code == 302


@pytest.mark.parametrize("change", [choose_another_team, log_out])
def test_to_note_that_it_is_in_use_undoes_nothing_that_another_request_did(change: Callable[[Client], None]) -> None:
    """The other comes between the moment at which the session was read and the end of the request."""
    browser = sign_in()
    _age(browser, sessions.SEEN, sessions.SEEN_EVERY + 1)
    key = browser.cookies[configured.SESSION_COOKIE_NAME].value

    def meanwhile(request: HttpRequest) -> HttpResponse:
        assert request.session[SESSION_KEY]
        change(copied(browser))
        return SessionAge(lambda request: HttpResponse())(request)

    request = RequestFactory().get("/", headers={"Cookie": f"{configured.SESSION_COOKIE_NAME}={key}"})
    answer = SessionMiddleware(meanwhile)(request)
    kept = Session.objects.filter(pk=key).first()
    assert answer.status_code == 200 and (kept is None) == (change is log_out)
    if kept is not None:
        stored = kept.get_decoded()
        assert stored["team"] == Team.objects.get(name="kitchen").pk
        assert time.time() - stored[sessions.SEEN] < 60


def test_out_of_the_team_is_out_at_once(note: Item) -> None:
    browser = sign_in()
    alice = User.objects.get(username="alice")
    garden = Team.objects.get(name="garden")
    _, secret = tokens.create_token(alice, garden, name="t", scopes=READ)
    teams.change_role(Membership.objects.get(team=garden, user__username="bob"), "admin")
    assert browser.get(f"/items/{note.public_id}").status_code == 200
    teams.remove_member(Membership.objects.get(team=garden, user=alice))
    assert browser.get(f"/items/{note.public_id}").status_code in (403, 404)
    assert api(secret, "/api/v1/items").status_code == 401


def api(secret: str, path: str, method: str = "get", **more: object):
    return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {secret}"}, **more)


def test_a_new_password_ends_the_persons_tokens_and_nobody_elses(garden: Team) -> None:
    people = {name: User.objects.get(username=name) for name in ("alice", "bob")}
    secrets = {name: tokens.create_token(one, garden, name="t", scopes=READ)[1] for name, one in people.items()}
    change_password(sign_in())
    assert [api(secrets[name], "/api/v1/items").status_code for name in people] == [401, 200]


def test_a_token_opens_no_page_and_makes_no_token(garden: Team) -> None:
    alice = User.objects.get(username="alice")
    token, secret = tokens.create_token(alice, garden, name="t", scopes=READ)
    for path in ("/", "/admin/", "/admin/accounts/token/", "/admin/accounts/token/add/"):
        assert api(secret, path).status_code == 302
    form = {"user": alice.pk, "team": garden.pk, "name": "more", "scopes": ["read", "write"]}
    assert api(secret, "/admin/accounts/token/add/", "post", data=form).status_code == 302
    assert api(secret, f"/admin/accounts/token/{token.pk}/delete/", "post", data={"post": "yes"}).status_code == 302
    schema = Client().get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {secret}"}).content.decode()
    assert "/tokens" not in schema and list(Token.objects.values_list("pk", flat=True)) == [token.pk]


def test_a_token_that_may_read_changes_nothing(garden: Team, note: Item) -> None:
    _, secret = tokens.create_token(User.objects.get(username="alice"), garden, name="t", scopes=frozenset({"read"}))
    asked = [
        api(secret, f"/api/v1/items/{note.public_id}", "delete"),
        api(secret, f"/api/v1/items/{note.public_id}", "patch", data={"title": "x"}, content_type="application/json"),
        api(secret, "/api/v1/items", "post", data={"text": "x"}, content_type="application/json"),
    ]
    assert [one.status_code for one in asked] == [403] * 3
    note.refresh_from_db()
    assert note.title == "Recipe" and note.trashed_at is None


def test_cookies_are_for_this_site_and_no_script() -> None:
    browser = sign_in()
    for name in (configured.SESSION_COOKIE_NAME,):
        cookie = browser.cookies[name]
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["domain"] and cookie["path"] == "/"
