"""Those who come without a right, with somebody else's, with one that has ended, or twenty at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.library import collections
from searchsite.library.models import Collection, Item, ItemTag, Tag
from searchsite.library.scope import scope_for
from tests import figures, made
from tests.attacks import table
from tests.attacks.crowd import SESSION, Crowd
from tests.attacks.doors import OPENS
from tests.attacks.hostile import written
from tests.attacks.visits import PASSING, WRITES, address_of, known_of

FORM = "application/x-www-form-urlencoded"
PASSWORD = "wheel-of-cheese-7"


@contextmanager
def writes() -> Iterator[set[str]]:
    """The tables that are written meanwhile."""
    found: set[str] = set()

    def seen(execute: Any, sql: Any, *args: Any) -> Any:
        if match := WRITES.match(str(sql)):
            found.add(match[2])
        return execute(sql, *args)

    with connection.execute_wrapper(seen):
        yield found


def test_no_form_is_taken_from_elsewhere(crowd: Crowd) -> None:
    wrong, asked = [], 0
    for route, row in table.rows():
        if row.method == "GET" or route.startswith("api/"):
            continue
        name = "root" if row.door["root"] == OPENS else "alice"
        strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
        strict.cookies.load({SESSION: crowd.sessions[name], settings.CSRF_COOKIE_NAME: "a" * 32})
        known = known_of(crowd, route)
        body = written([(key, str(value).format(**known)) for key, value in row.sent.items()])
        forged = f"{body}&csrfmiddlewaretoken={'a' * 32}"
        for sent, more in (
            (body, {}),
            (body, {"X-CSRFToken": "b" * 32}),
            (forged, {"Origin": "https://evil.example"}),
            (forged, {"Origin": "null"}),
        ):
            for kind in (FORM, "text/plain"):
                with writes() as written_to:
                    answer = strict.generic(
                        row.method, address_of(route, row, known), sent, kind, headers={**row.headers, **more}
                    )
                asked += 1
                safe = row.method in ("HEAD",) or answer.status_code in (403, 405)
                if not safe or written_to - {"django_session", "audit_entry"}:
                    wrong.append(f"{row.method} {route} {more} {kind}: {answer.status_code} {written_to}")
    assert wrong == [], "\n".join(wrong)
    figures.keep(10, "forgery", requests=asked, taken=0)


def test_the_api_takes_no_session_for_a_token(crowd: Crowd) -> None:
    for route, row in table.rows():
        if route.startswith("api/v1/") and row.door["nobody"] == 401:
            address = address_of(route, row, known_of(crowd, route))
            assert crowd.browser("root").generic(row.method, address).status_code == 401


@pytest.fixture
def alice(db: None) -> User:
    """She leads a team and signs in by a password."""
    user = User.objects.create_user("alice", password=PASSWORD)
    made.team_of(user)
    return user


def enter(client: Client, name: str = "alice", password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": name, "password": password})


def test_signing_in_gives_a_new_session(alice: User) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.cookies[SESSION] = "planted" * 4
    assert enter(client).status_code == 302
    first = client.cookies[SESSION].value
    assert first != "planted" * 4 and client.get("/").status_code == 200
    thief = Client()
    thief.cookies[SESSION] = "planted" * 4
    assert thief.get("/").status_code == 302


@pytest.mark.parametrize(
    "ends",
    [
        lambda user, client: client.post("/accounts/logout/"),
        lambda user, client: (user.set_password("another-cheese-8"), user.save()),
        lambda user, client: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user, client: user.delete(),
    ],
    ids=["signed out", "new password", "switched off", "deleted"],
)
def test_a_session_ends_at_once_and_stays_ended(alice: User, ends: Callable[[User, Client], object]) -> None:
    client, stolen = Client(), Client()
    enter(client)
    stolen.cookies[SESSION] = client.cookies[SESSION].value
    assert stolen.get("/").status_code == 200
    ends(alice, client)
    assert stolen.get("/").status_code == 302 and stolen.post("/notes/new", {"text": "x"}).status_code == 302


def test_a_new_password_ends_every_other_session_and_signing_out_only_its_own(alice: User) -> None:
    one, other = Client(), Client()
    enter(one), enter(other)
    one.post("/accounts/logout/")
    assert (one.get("/").status_code, other.get("/").status_code) == (302, 200)


def test_who_signs_in_learns_nothing_of_who_is_there(alice: User) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("keyless").set_unusable_password()
    told = {}
    for name in ("alice", "gone", "keyless", "nobody", "a" * 150, "\u202e"):
        answer = enter(Client(), name, "wrong-cheese-9")
        page = answer.content.decode().split("<main", 1)[1].split("</main>", 1)[0]
        told[name] = (answer.status_code, _masked(page, name))
    assert len(set(told.values())) == 1, told


def _masked(page: str, name: str) -> str:
    return PASSING.sub("", page).replace(f'value="{name}"', "")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(alice: User, settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.ACCOUNT_RATE_LIMITS = False
    alice.set_password(PASSWORD)
    alice.save()

    def seconds(name: str) -> float:
        client, took = Client(), []
        for _ in range(5):
            began = time.perf_counter()
            enter(client, name, "wrong-cheese-9")
            took.append(time.perf_counter() - began)
        return median(took)

    known, unknown = seconds("alice"), seconds("nobody")
    assert 1 / 3 < known / unknown < 3


def test_nobody_gives_themselves_a_role(crowd: Crowd) -> None:
    more = {"is_staff": "on", "is_superuser": "on", "role": "admin", "team": crowd.team.pk, "is_active": "on"}
    before = list(User.objects.order_by("pk").values()), list(Membership.objects.order_by("pk").values())
    for route, row in table.rows():
        if row.method == "POST" and not route.startswith(("admin/accounts/", "accounts/", "api/")):
            known = known_of(crowd, route)
            sent = {key: str(value).format(**known) for key, value in row.sent.items()} | more
            crowd.browser("vera").post(address_of(route, row, known), sent, headers=dict(row.headers))
    for name in ("bob", "sue"):
        for kind in ("user", "team"):
            sent = {
                "username": name,
                "name": "den",
                "memberships-TOTAL_FORMS": 1,
                "memberships-INITIAL_FORMS": 0,
                **more,
            }
            sent |= {"memberships-0-user": crowd.user(name).pk, "memberships-0-role": "admin"}
            crowd.browser(name).post(f"/admin/accounts/{kind}/{crowd.rows[kind]}/change/", sent)
    after = list(User.objects.order_by("pk").values()), list(Membership.objects.order_by("pk").values())
    assert after == before


@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
def test_no_other_host_is_believed(alice: User, header: str) -> None:
    client = Client(headers={header: "evil.example"})
    answer = client.get("/accounts/login/?next=https://evil.example/")
    assert answer.status_code == (400 if header == "host" else 200)
    assert b"http://evil.example" not in answer.content


@pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(alice: User, next_: str) -> None:
    client = Client()
    answer = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD, "next": next_})
    assert answer.status_code == 302 and answer["Location"].startswith("/") and "evil" not in answer["Location"]
    answer = client.post("/language", {"language": "de", "next": next_})
    assert answer["Location"].startswith("/") and "evil" not in answer["Location"]


def test_the_only_admin_of_a_team_is_not_deleted_and_switched_off_with_a_word(crowd: Crowd) -> None:
    alice, root = crowd.user("alice"), crowd.browser("root")
    address = f"/admin/accounts/user/{alice.pk}"
    chosen = {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"}
    for answer in (
        root.post(f"{address}/delete/", {"post": "yes"}, follow=True),
        root.post("/admin/accounts/user/", chosen, follow=True),
    ):
        assert "needs an admin" in answer.content.decode()
    row = crowd.team.memberships.get(user=alice)
    off = {"username": "alice", "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1}
    off |= {"memberships-0-id": row.pk, "memberships-0-user": alice.pk, "memberships-0-team": crowd.team.pk}
    page = root.post(f"{address}/change/", off | {"memberships-0-role": "admin"}, follow=True).content.decode()
    assert "needs an admin" in page and not crowd.user("alice").is_active
    User.objects.filter(pk=alice.pk).update(is_active=True)
    teams.change_role(crowd.team.memberships.get(user__username="bob"), Role.ADMIN)
    root.post(f"{address}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()
    crowd.note.refresh_from_db()
    assert crowd.note.created_by is None


def together(work: Callable[[int], object], times: int = 20) -> None:
    """Do something twenty times at once, each with a connection of its own."""
    start = threading.Barrier(times)

    def one(number: int) -> None:
        start.wait()
        try:
            work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def crowded(transactional_db: None) -> Team:
    """A team of twenty admins."""
    team = made.team_of(made.person("alice"))
    for number in range(19):
        teams.add_member(team, made.person(f"person{number}"), role=Role.ADMIN)
    collections.ensure_system(team)
    return team


def test_of_twenty_admins_who_step_down_at_once_one_stays(crowded: Team) -> None:
    members = list(crowded.memberships.all())
    refused: list[int] = []

    def down(number: int) -> None:
        try:
            (teams.change_role if number % 2 else teams.remove_member)(*_arguments(members[number], number))
        except teams.LastAdmin:
            refused.append(number)

    together(down)
    assert crowded.memberships.filter(role=Role.ADMIN).count() == len(refused) == 1


def _arguments(member: Membership, number: int) -> tuple[Any, ...]:
    return (member, Role.VIEWER) if number % 2 else (member,)


def test_of_twenty_who_make_the_same_at_once_one_wins(crowded: Team) -> None:
    alice = User.objects.get(username="alice")
    item = made.note(made.place(alice, crowded), "Rye bread")
    browsers = [Client(raise_request_exception=False) for _ in range(20)]
    for browser in browsers:
        browser.force_login(alice)
    told: list[int] = []
    spellings = ["Attic", "attic", "ATTIC ", " a\u0074tic"]

    def make(number: int) -> None:
        sent = {"target": "new", "name": spellings[number % 4], "id": str(item.public_id)}
        told.append(browsers[number].post("/selection/move", sent).status_code)
        told.append(browsers[number].post("/selection/tag", {"id": str(item.public_id), "add": "Rye"}).status_code)

    together(make)
    assert Collection.objects.filter(team=crowded, name__iexact="attic").count() == 1
    assert Tag.objects.filter(team=crowded, name="rye").count() == ItemTag.objects.filter(item=item).count() == 1
    assert max(told) < 500 and told.count(409) == 19, told


def test_what_was_done_is_undone_once(crowded: Team) -> None:
    alice = User.objects.get(username="alice")
    item = made.note(made.place(alice, crowded), "Rye bread")
    browsers = [Client(raise_request_exception=False) for _ in range(20)]
    for browser in browsers:
        browser.force_login(alice)
    sent, script = {"id": str(item.public_id)}, {"HX-Request": "true"}
    key = browsers[0].post("/selection/trash", sent, headers=script).context["undo_key"]
    told: list[int] = []

    def undo(number: int) -> None:
        told.append(browsers[number].post("/selection/undo", {"key": key}, headers=script).status_code)

    together(undo)
    assert max(told) < 500 and 200 in told
    assert Item.objects.visible_to(scope_for(alice, crowded)).filter(pk=item.pk).count() == 1
    assert browsers[0].post("/selection/undo", {"key": key}).status_code == 404
