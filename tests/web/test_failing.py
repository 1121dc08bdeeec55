"""What people see when the database is away, or when something breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.functional import SimpleLazyObject

from searchsite.accounts.models import User
from searchsite.urls import handler400, handler500, urlpatterns  # noqa: F401  # this module is a table of addresses, too
from tests import servers
from tests.web.conftest import text

ITEM = "/items/11111111-1111-4111-8111-111111111111"
PAGES = ["/", "/?q=car", "/upload", ITEM, f"{ITEM}/file", f"{ITEM}/live", "/admin/", "/admin/library/item/", "/metrics"]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of our own")


def closed(request: HttpRequest) -> HttpResponse:
    """The cursor was closed under whoever still reads by it, which is no DatabaseError."""
    return HttpResponse(str(_read_by_a_closed_cursor()))


def denied(request: HttpRequest) -> HttpResponse:
    """Who was refused cannot be read for the audit log."""
    request.user = SimpleLazyObject(_read_by_a_closed_cursor)  # type: ignore[assignment]
    return HttpResponse("not for you", status=403)


def _read_by_a_closed_cursor() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.close()
        return cursor.fetchone()


def saves(request: HttpRequest) -> HttpResponse:
    """The view itself needs no database; keeping the session does."""
    request.session["team"] = 1
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    return HttpResponse("ok")


def signed_out(request: HttpRequest) -> HttpResponse:
    """In another window, while this one is answered."""
    request.session["team"] = 1
    Session.objects.all().delete()
    return HttpResponse("ok")


urlpatterns = [
    path("api/closed", closed),
    *urlpatterns,
    *(path(one.__name__, one) for one in (broken, closed, denied, saves, signed_out)),
]


@pytest.fixture
def alice(transactional_db) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("alice"))
    return browser


@pytest.fixture
def database_restored(transactional_db) -> Iterator[None]:
    host = connection.settings_dict["HOST"]
    yield
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.fixture
def stop_database(database_restored: None, tmp_path) -> Callable[[], None]:
    """Point the connection at a socket that nobody listens on."""

    def stop() -> None:
        connection.close()
        connection.settings_dict["HOST"] = str(tmp_path)

    return stop


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_that_the_database_is_away(alice, stop_database, address) -> None:
    stop_database()
    answer = alice.get(address)
    assert answer.status_code == 503 and answer["Retry-After"] == "5"
    assert "<html" in text(answer) and "try again in a moment" in text(answer)
    assert not answer.cookies, "nobody is signed out by it"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/closed", "/api/closed"])
def test_a_cursor_that_is_closed_in_the_midst_of_a_request_is_said_and_soon_over(alice, address) -> None:
    answer = alice.get(address)
    assert answer.status_code == 503 and answer["Retry-After"]
    assert alice.get("/admin/").status_code == 200


@pytest.mark.urls(__name__)
def test_a_refusal_stays_one_where_the_audit_log_cannot_be_written(alice) -> None:
    assert alice.get("/denied").status_code == 403


@pytest.mark.urls(__name__)
def test_who_is_signed_out_meanwhile_signs_in_again(alice) -> None:
    answer = alice.get("/signed_out")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/signed_out")
    alice.force_login(User.objects.get())
    answer = alice.post("/signed_out", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/accounts/login/?next=/")


def test_a_script_gets_a_plain_sentence(alice, stop_database) -> None:
    stop_database()
    answer = alice.get("/?q=car", headers={"HX-Request": "true"})
    assert answer.status_code == 503 and answer["Content-Type"].startswith("text/plain")


def test_nobody_signs_in_meanwhile(stop_database) -> None:
    stop_database()
    visitor = Client(raise_request_exception=False)
    assert visitor.post("/accounts/login/", {"login": "alice", "password": "wrong"}).status_code == 503


@pytest.mark.urls("tests.web.test_failing")
def test_a_session_that_cannot_be_kept_is_no_fault_of_ours(alice, database_restored) -> None:
    assert alice.get("/saves").status_code == 503


def test_the_api_still_tells_a_problem(stop_database) -> None:
    stop_database()
    answer = Client(raise_request_exception=False).get("/api/v1/items", headers={"Authorization": "Bearer ss_x"})
    assert answer.status_code == 503 and answer["Content-Type"].startswith("application/problem+json")


@pytest.mark.urls("tests.web.test_failing")
def test_a_fault_is_found_by_its_request_id(alice) -> None:
    answer = alice.get("/broken")
    assert answer.status_code == 500 and answer["X-Request-ID"] in text(answer)
    assert "a fault of our own" not in text(answer)
    assert alice.get("/livez")["X-Request-ID"] != answer["X-Request-ID"]


@pytest.mark.django_db(transaction=True)
def test_a_crash_of_the_database_is_told_as_503_and_soon_over(alice) -> None:
    """kill -9 to all of Postgres while people ask: never a 500, and pages come again by themselves."""
    answers: list[tuple[int, str | None]] = []
    over = threading.Event()

    def ask() -> None:
        browser = Client(raise_request_exception=False)
        browser.cookies = alice.cookies
        while not over.is_set():
            answer = browser.get("/admin/")
            answers.append((answer.status_code, answer.headers.get("Retry-After")))
        connection.close()

    with connection.cursor() as cursor:
        # The tests' commits reach the disk a moment later; the session is to be there afterwards.
        cursor.execute("CHECKPOINT")
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    servers.crash_the_database()
    began = time.monotonic()
    connection.close()
    while alice.get("/admin/").status_code != 200 and time.monotonic() - began < 15:
        time.sleep(0.1)
    over.set()
    for thread in threads:
        thread.join()
    assert alice.get("/admin/").status_code == 200
    assert set(answers) <= {(200, None), (503, "5")}
    assert (503, "5") in answers
