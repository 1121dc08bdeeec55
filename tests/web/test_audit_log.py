"""What people do is a line of the audit log, with who, where and what; its page shows it to those who may know."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from searchsite.accounts import audit, teams, tokens
from searchsite.accounts.models import AuditEntry, Membership, Role, Team, User
from searchsite.library import collections, trash
from searchsite.library.models import Item
from tests import figures
from tests.web.conftest import text

PASSWORD = "alice-opens-7"
HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def staff(garden: Team) -> None:
    """alice leads the house, bob is of staff; charlie leads a team elsewhere."""
    alice = User.objects.get(username="alice")
    alice.is_staff = alice.is_superuser = True
    alice.set_password(PASSWORD)
    alice.save()
    User.objects.filter(username__in=["bob", "charlie"]).update(is_staff=True)


@pytest.fixture
def new(staff: None) -> Callable[[], list[AuditEntry]]:
    """What is written since the last time it was asked."""
    seen = [AuditEntry.objects.count()]

    def found() -> list[AuditEntry]:
        entries = list(AuditEntry.objects.order_by("id")[seen[0] :])
        seen[0] += len(entries)
        return entries

    return found


def pk(name: str) -> int:
    return User.objects.get(username=name).pk


def said(entries: list[AuditEntry]) -> list[str]:
    return [entry.action for entry in entries]


def test_signing_in_and_out_is_written(client: Client, new) -> None:
    client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    client.post("/accounts/login/", {"login": "hunter2-my-password", "password": "wrong"})
    answer = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client.post("/accounts/logout/")
    failed, unknown, signed_in, signed_out = new()
    assert said([failed, unknown, signed_in, signed_out]) == [
        "sign-in-failed", "sign-in-failed", "signed-in", "signed-out",
    ]  # fmt: skip
    assert (failed.kind, failed.thing, failed.actor_id) == ("user", str(pk("alice")), None)
    assert (unknown.kind, unknown.thing, unknown.actor_name, unknown.detail) == ("", "", "", {})
    assert (signed_in.actor_id, signed_in.actor_name, signed_in.address) == (pk("alice"), "alice", HERE)
    assert signed_in.request_id == answer["X-Request-ID"]
    assert "hunter2" not in str([vars(one) for one in AuditEntry.objects.all()])


def test_being_locked_out_is_one_line_a_minute(client: Client, new) -> None:
    for _ in range(9):
        client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    assert said(new()) == ["sign-in-failed"] * 5 + ["locked-out"]


def test_a_refusal_is_one_line_and_strangers_write_none(signed_in, client: Client, new) -> None:
    vera = signed_in("vera")
    new()
    for _ in range(3):
        assert vera.get("/spaces").status_code == 403
    assert vera.post("/queue/pause", {"kind": "embed"}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/accounts/login/", {"login": "alice", "password": "x"}).status_code == 403
    first, second = new()
    assert [(one.action, one.thing, one.actor_name) for one in (first, second)] == [
        ("denied", "spaces", "vera"),
        ("denied", "queue-pause", "vera"),
    ]
    assert first.team_id == Team.objects.get(name="garden").pk


def test_a_token_that_may_not_is_a_refusal_of_its_person(garden: Team, client: Client, new) -> None:
    bob = User.objects.get(username="bob")
    _, secret = tokens.create_token(bob, garden, name="t", scopes=frozenset({"read"}))
    new()
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.post("/api/v1/jobs/retry", {}, "application/json", headers=headers).status_code == 403
    used, denied = new()
    assert (used.action, used.actor_name, used.address) == ("token-used", "bob", HERE)
    assert (denied.action, denied.actor_name, denied.team_id) == ("denied", "bob", garden.pk)
    assert denied.thing == "api:v1:retry_jobs"


def test_what_operators_do_is_written(alice: Client, new) -> None:
    new()
    alice.post("/queue/pause", {"kind": "embed", "reason": "a reason of many words"})
    alice.post("/queue/resume", {"kind": "embed"})
    alice.post("/queue/retry", {})
    alice.post("/queue/cancel", {"kind": "read"})
    found = new()
    assert [(one.action, one.kind, one.thing) for one in found] == [
        ("stage-paused", "stage", "embed"),
        ("stage-resumed", "stage", "embed"),
        ("work-asked", "stage", ""),
        ("work-cancelled", "stage", "read"),
    ]
    assert {one.actor_name for one in found} == {"alice"} and "many words" not in str([one.detail for one in found])


def test_emptying_the_trash_and_taking_files_away_is_written(alice: Client, note: Item, new) -> None:
    address = alice.post("/selection/zip", {"id": str(note.public_id)})["Location"]
    b"".join(alice.get(address).streaming_content)
    trash.trash(note)
    new()
    alice.post("/trash/delete", {"id": str(note.public_id)})
    (deleted,) = new()
    assert (deleted.action, deleted.detail) == ("deleted-for-good", {"ids": [str(note.public_id)]})
    exported = AuditEntry.objects.get(action="exported")
    assert (exported.kind, exported.detail, exported.actor_name) == ("zip", {"items": 1}, "alice")


def user_form(name: str, **change: str) -> dict[str, str]:
    rows = {f"memberships-{one}": "0" for one in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    return {"username": name, "first_name": "", "last_name": "", "email": "", "is_active": "on", **rows, **change}


def test_accounts_that_are_made_changed_and_switched_off_are_written(alice: Client, new) -> None:
    nell = User.objects.create_user("nell")
    new()
    address = f"/admin/accounts/user/{nell.pk}/"
    assert alice.post(f"{address}change/", user_form("nell", is_staff="on")).status_code == 302
    off = user_form("nell", is_staff="on")
    off.pop("is_active")
    assert alice.post(f"{address}change/", off).status_code == 302
    new_password = {"password1": "quite-another-7", "password2": "quite-another-7", "usable_password": "true"}
    assert alice.post(f"{address}password/", {**new_password, "set-password": "1"}).status_code == 302
    assert alice.post(f"{address}delete/", {"post": "yes"}).status_code == 302
    found = new()
    assert said(found) == ["user-changed", "user-off", "password-changed", "user-deleted"]
    assert {(one.thing, one.actor_name) for one in found} == {(str(nell.pk), "alice")}
    assert found[0].detail == {"fields": "is_staff", "staff": True, "leads": False}


def test_grants_and_visibility_are_written(alice: Client, garden: Team, new) -> None:
    shelf = collections.create_collection(garden, "Shelf", maker=User.objects.get(username="alice"))
    new()
    address = f"/admin/library/collection/{shelf.pk}/change/"
    rows = {"grants-INITIAL_FORMS": "0", "grants-MIN_NUM_FORMS": "0", "grants-MAX_NUM_FORMS": "1000"}
    rows |= {"grants-TOTAL_FORMS": "1", "grants-0-user": str(pk("vera")), "grants-0-may_edit": "on"}
    rows |= {"grants-0-collection": str(shelf.pk), "grants-0-id": ""}
    assert alice.post(address, {"name": "Shelf", "visibility": "private", **rows}).status_code == 302
    grant = shelf.grants.get()
    rows |= {"grants-INITIAL_FORMS": "1", "grants-0-id": str(grant.pk), "grants-0-DELETE": "on"}
    assert alice.post(address, {"name": "Shelf", "visibility": "private", **rows}).status_code == 302
    found = new()
    assert said(found) == ["visibility-set", "grant-given", "grant-taken"]
    assert {one.thing for one in found} == {str(shelf.public_id)} and {one.team_id for one in found} == {garden.pk}
    assert [one.detail for one in found] == [
        {"visibility": "private"},
        {"user": pk("vera"), "may_edit": True},
        {"user": pk("vera"), "may_edit": True},
    ]


def test_a_token_taken_back_in_the_admin_is_written(alice: Client, garden: Team, new) -> None:
    token, _ = tokens.create_token(User.objects.get(username="bob"), garden, name="t", scopes=frozenset({"read"}))
    new()
    assert alice.post(f"/admin/accounts/token/{token.pk}/delete/", {"post": "yes"}).status_code == 302
    (line,) = new()
    assert (line.action, line.thing, line.actor_name, line.team_id) == (
        "token-revoked", str(token.pk), "alice", garden.pk,
    )  # fmt: skip


def test_the_page_shows_each_team_what_concerns_it(signed_in, alice: Client, garden: Team) -> None:
    den = Team.objects.get(name="den")
    for team in (garden, den):
        audit.note(audit.Action.EXPORTED, ("zip", team.name), team_id=team.pk, items=7)
    whole = text(alice.get("/admin/accounts/auditentry/"))
    assert "zip garden<" in whole and "zip den<" in whole and 'field-action">Signed in' in whole
    charlie = text(signed_in("charlie").get("/admin/accounts/auditentry/"))
    assert "zip den<" in charlie and "garden<" not in charlie and 'field-action">Signed in' not in charlie
    assert signed_in("bob").get("/admin/accounts/auditentry/").status_code == 403
    foreign = AuditEntry.objects.get(thing="garden")
    assert signed_in("charlie").get(f"/admin/accounts/auditentry/{foreign.pk}/change/").status_code == 302


def test_the_page_is_narrowed_and_searched(alice: Client, garden: Team) -> None:
    entry = AuditEntry.objects.create(action="exported", kind="zip", actor_id=pk("vera"), request_id="a" * 32)
    AuditEntry.objects.create(action="denied", kind="page", thing="spaces", actor_id=pk("bob"))
    for query in ("action=exported", f"by={pk('vera')}", f"q={'a' * 32}"):
        page = text(alice.get(f"/admin/accounts/auditentry/?{query}"))
        assert f"/auditentry/{entry.pk}/" in page and "spaces" not in page
    assert "spaces" in text(alice.get("/admin/accounts/auditentry/?when=0"))
    assert "spaces" not in text(alice.get("/admin/accounts/auditentry/?by=123456789"))


@pytest.mark.parametrize("way", ["add/", "1/delete/"])
def test_nobody_writes_there_by_hand(alice: Client, way: str) -> None:
    entry = AuditEntry.objects.first()
    address = f"/admin/accounts/auditentry/{way}".replace("1/", f"{entry.pk}/")
    assert alice.get(address).status_code == alice.post(address, {"post": "yes"}).status_code == 403
    answer = alice.post(f"/admin/accounts/auditentry/{entry.pk}/change/", {"actor_name": "nobody"})
    assert answer.status_code == 403 and AuditEntry.objects.filter(pk=entry.pk, actor_name="nobody").count() == 0
    chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    alice.post("/admin/accounts/auditentry/", chosen)
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_a_table_runs_no_formula_and_is_a_line_itself(alice: Client, new) -> None:
    entry = AuditEntry.objects.create(action="exported", kind="zip", actor_name="=HYPERLINK(1)")
    new()
    chosen = {"action": "download", "_selected_action": [entry.pk]}
    answer = alice.post("/admin/accounts/auditentry/", chosen)
    (_, row) = csv.reader(io.StringIO(text(answer)))
    assert row[1] == "'=HYPERLINK(1)" and row[3] == "exported"
    (line,) = new()
    assert (line.action, line.kind, line.detail) == ("exported", "audit", {"lines": 1})


def test_looking_at_a_page_asks_and_writes_nothing_for_it(alice: Client, note: Item) -> None:
    for address in ("/", f"/items/{note.public_id}"):
        alice.get(address)
        with CaptureQueriesContext(connection) as queries:
            alice.get(address)
        assert not any("audit_entry" in one["sql"] or "advisory" in one["sql"] for one in queries)


def test_of_every_kind_of_deed_no_line_holds_a_secret(alice: Client, garden: Team, client: Client) -> None:
    _, secret = tokens.create_token(User.objects.get(username="bob"), garden, name="QName", scopes={"read"})
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client.get("/api/v1/items", headers={"Authorization": f"Bearer {secret}"})
    member = Membership.objects.get(team=garden, user__username="bob")
    teams.change_role(member, Role.ADMIN)
    written = str(list(AuditEntry.objects.values()))
    secrets = [PASSWORD, secret, client.session.session_key, "QName", "Authorization"]
    figures.keep(10, "secrets in the audit log", lines=AuditEntry.objects.count(), found=0)
    assert [one for one in secrets if one in written] == [] and AuditEntry.objects.count() > 5
