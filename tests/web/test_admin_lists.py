"""Lists of the admin, asked by hand for what no list has."""

from __future__ import annotations

import pytest
from django.test import Client

from searchsite.accounts.models import User
from tests.web import admins

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db) -> Client:
    admins.garden()
    User.objects.create_superuser("root")
    return admins.who("root")


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-30", "0001-01-01", "2026-02-30"])
def test_a_day_that_no_list_can_have_finds_nothing(root, day) -> None:
    page = root.get("/admin/library/item/", {"when": day})
    assert page.status_code == 200 and "0 items" in page.content.decode()
    assert root.get("/admin/accounts/usage/", {"when": day}).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "library/item/?kind__exact=a%00b",
        "library/collection/?visibility__exact=%00",
        "accounts/providercall/?outcome=%00",
        "accounts/providercall/?outcome__exact=%00",
        "jobs/job/?lane__exact=1%00",
        "jobs/job/?kind=%00",
        "library/item/?%00=1",
        "library/item/?q=%00",
    ],
)
def test_what_the_database_cannot_hold_is_no_filter(root, asked) -> None:
    answer = root.get(f"/admin/{asked}")
    assert answer.status_code == (200 if "q=" in asked else 302)
    assert answer.status_code == 200 or answer.url.endswith("?e=1")
