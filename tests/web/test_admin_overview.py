"""The admin's first page: what came in, the queue, failures, storage; each person's own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from searchsite.accounts import budgets, teams
from searchsite.accounts.models import Role, Team, Usage, User
from searchsite.jobs import failures
from searchsite.jobs.models import Job
from searchsite.library import collections
from tests import made
from tests.web import admins
from tests.web.admins import kept, who

pytestmark = pytest.mark.django_db


@pytest.fixture
def garden(db) -> Team:
    return admins.garden()


def page(name: str) -> str:
    return who(name).get("/admin/").content.decode()


def test_it_counts_what_the_person_sees(garden) -> None:
    kept(admins.burrow(), "charlie", "Secret")
    kept(garden, "alice", "Rose")
    alice = User.objects.get(username="alice")
    diary = collections.create_collection(garden, "Diary", maker=alice, visibility="private")
    made.note(made.place(alice, garden, diary), "Dear diary")
    User.objects.create_superuser("root")
    assert [f"{n} item" in page(name) for name, n in (("root", 3), ("alice", 2), ("bob", 1))] == [True] * 3
    assert "Diary" in page("alice") and "Diary" not in page("bob") and "burrow" in page("root")


def test_the_charts_have_names_and_a_table(garden) -> None:
    kept(garden, "alice", "Rose")
    shown = page("alice")
    assert 'role="img"' in shown and "New items by day and kind</title>" in shown
    assert "1 item in 30 days." in shown and "Numbers by day" in shown and "Storage by collection" in shown


def test_figures_are_kept_until_somebody_counts_again(garden) -> None:
    assert "0 items." in page("alice")
    kept(garden, "alice", "Rose")
    # The Inbox came with the rose, so that the scope is another one; a second note changes nothing of it.
    assert "1 item." in page("alice")
    kept(garden, "alice", "Tulip")
    assert "1 item." in page("alice") and "Counted just now." in page("alice")
    who("alice").post("/admin/")
    assert "2 items." in page("alice")


def test_failures_show_with_their_reason_to_those_who_see_the_item(garden) -> None:
    rose, secret = kept(garden, "alice", "Rose"), kept(admins.burrow(), "charlie", "Secret")
    Job.objects.filter(subject__in=[rose.pk, secret.pk]).update(
        state="dead", last_error="The moon was full.", finished_at="2026-01-01T00:00:00Z"
    )
    shown = page("bob")
    assert "The moon was full." in shown and "Rose" in shown and "Secret" not in shown
    assert 'href="/admin/library/item/?status=embed">1</a>' in shown


def test_the_queue_is_counted_as_on_its_own_page(garden) -> None:
    rose = kept(garden, "alice", "Rose")
    kept(garden, "alice", "Tulip")
    Job.objects.filter(subject=rose.pk).update(state="dead", finished_at="2026-01-01T00:00:00Z")
    root = User.objects.create_superuser("root")
    teams.add_member(garden, root, role=Role.ADMIN)
    counted = {one.kind: (one.waiting, one.running, one.failed) for one in who("root").get("/admin/").context["queue"]}
    shown = who("root").get("/queue").content.decode()
    assert counted["embed"] == (1, 0, 1) and "<b>1</b> waiting" in shown and "<b>1</b> failed" in shown


def test_budgets_near_their_end_are_told_to_those_who_lead(garden) -> None:
    Team.objects.filter(pk=garden.pk).update(budget_month=Decimal(10))
    User.objects.create_superuser("root")
    month = {"team": garden, "operation": "embed", "embedder": "small", "cost": Decimal(9)}
    Usage.objects.create(day=budgets.this_month(), **month)
    assert ["are spent" in page(name) for name in ("root", "alice", "bob")] == [True, True, False]


def test_where_more_failed_than_are_counted_the_number_is_the_least(garden) -> None:
    rose = kept(garden, "alice", "Rose")
    Job.objects.filter(subject=rose.pk).update(state="dead", finished_at="2026-01-01T00:00:00Z")
    known = {"kind": "embed", "queue": "embed", "team_id": garden.pk, "state": "dead"}
    many = range(10**6, 10**6 + failures.LOOKED_AT)
    Job.objects.bulk_create(Job(**known, subject=pk, finished_at="2026-02-01T00:00:00Z") for pk in many)
    assert '?status=embed">2,000+</a>' in page("alice")
