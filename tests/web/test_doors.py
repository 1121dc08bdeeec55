"""Who gets in, and where a person without a team or a page ends."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Team, User
from tests.web.conftest import text

PAGES = [
    "/",
    "/search",
    "/upload",
    "/upload/progress",
    "/search/picture",
    "/search/facets",
    "/queue",
    "/queue/missing",
    "/usage",
    "/usage.csv",
    "/ask",
    "/trash",
    "/selection/move",
    "/items/00000000-0000-4000-8000-000000000000",
]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_asks_for_sign_in(garden, client, address):
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"] == f"/accounts/login/?next={address}"


def test_a_script_is_sent_to_the_sign_in_as_a_whole_page(garden, client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/upload?id=1"}
    answer = client.get("/upload/progress", headers=headers)
    assert answer["HX-Redirect"] == "/accounts/login/?next=/upload%3Fid%3D1"


@pytest.fixture
def with_password(garden) -> None:
    alice = User.objects.get(username="alice")
    alice.set_password("alice-opens-7")
    alice.save()


def test_alice_signs_in_and_out(with_password, client):
    page = client.post("/accounts/login/", {"login": "alice", "password": "alice-opens-7"}, follow=True)
    assert "Your library is empty" in text(page)
    assert client.get("/accounts/logout/").status_code == 200
    assert "Sign in" in text(client.post("/accounts/logout/", follow=True))
    assert client.get("/").status_code == 302


def test_a_wrong_password_is_told_in_place(with_password, client):
    page = text(client.post("/accounts/login/", {"login": "alice", "password": "wrong<script>"}))
    assert "not correct" in page and "wrong" not in page


@pytest.mark.parametrize("address", ["signup/", "password/reset/", "email/", "password/change/"])
def test_other_account_pages_are_not_there(garden, alice, address):
    assert alice.get(f"/accounts/{address}").status_code == 404


def test_without_a_team_there_is_a_friendly_page(db, client):
    client.force_login(User.objects.create_user("nell"))
    answer = client.get("/")
    assert answer.status_code == 403 and "not in a team yet" in text(answer)


def test_people_switch_between_their_teams_only(alice, garden):
    studio = teams.create_team("studio", User.objects.get(username="alice"))
    assert "studio · Admin" in text(alice.post("/team", {"team": str(studio.public_id)}, follow=True))
    den = Team.objects.get(name="den")
    for team in (str(den.public_id), "x", "\x00", ""):
        assert alice.post("/team", {"team": team}).status_code == 404


def test_forms_need_their_token(garden):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="alice"))
    answer = strict.post("/notes/new", {"text": "x"})
    assert answer.status_code == 403 and "This form has expired" in text(answer)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
@pytest.mark.parametrize("address", ["/", "/upload", "/team"])
def test_other_methods_are_refused(alice, address, method):
    assert getattr(alice, method)(address).status_code == 405


def test_pages_are_not_kept_by_caches(alice):
    answer = alice.get("/")
    assert "private" in answer["Cache-Control"] and "HX-Request" in answer["Vary"]
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_bad_query_picture_is_refused_in_words(alice):
    answer = alice.post("/search/picture", {"q": "red"})
    assert answer.status_code == 422 and "Choose a picture first." in text(answer) and 'value="red"' in text(answer)
