"""The audit log: each deed is one line, the line stays, and it holds no secret."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, InternalError, connection, transaction
from django.utils import timezone

from searchsite import config
from searchsite.accounts import audit, teams, tokens
from searchsite.accounts.models import Action, AuditEntry, Membership, Role, Team, Token, User
from tests import figures

pytestmark = pytest.mark.django_db
READ = frozenset({"read"})


@pytest.fixture(autouse=True)
def alone(team: Team) -> int:
    """The lines that were there before the test."""
    return AuditEntry.objects.count()


def lines(after: int) -> list[tuple[str, str, str]]:
    """What was written since."""
    found = AuditEntry.objects.order_by("id")[after:]
    return [(one.action, one.kind, one.thing) for one in found]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET actor_name = 'nobody'",
        "UPDATE audit_entry SET actor_name = 'nobody' WHERE false",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "TRUNCATE audit_entry RESTART IDENTITY CASCADE",
    ],
)
def test_a_line_is_neither_changed_nor_taken_out(alone: int, sql: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEntry.objects.count() == alone > 0


def test_the_models_own_ways_are_closed_too(alone: int) -> None:
    entry = AuditEntry.objects.first()
    entry.actor_name = "nobody"
    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_what_is_old_is_forgotten_by_the_one_function(alone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (399, 401, 500):
        AuditEntry.objects.create(action=Action.EXPORTED, at=timezone.now() - timedelta(days=days))
    assert audit.prune() == 2
    assert AuditEntry.objects.count() == alone + 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.all().delete()
    monkeypatch.setenv("AUDIT_DAYS", "0")
    config.load.cache_clear()
    assert audit.prune() == 0
    monkeypatch.undo()
    config.load.cache_clear()


def test_nothing_young_is_forgotten_whatever_the_setting() -> None:
    with pytest.raises(DatabaseError, match="30 days at least"), connection.cursor() as cursor:
        cursor.execute("SELECT audit_entry_forget(29, 10)")
    with pytest.raises(ValueError, match="30 at least"):
        config.Config(audit_days=7)


def test_people_who_go_leave_their_lines(team: Team, bob: User, alone: int) -> None:
    with audit.coming_from(audit.Origin(lambda: audit.Actor(bob.pk, "bob", team.pk), lambda: "192.0.2.7", "r1")):
        audit.note(Action.EXPORTED, ("item", ""), items=3)
    number = bob.pk
    bob.delete()
    team.delete()
    entry = AuditEntry.objects.order_by("id")[alone]
    assert (entry.actor_id, entry.actor_name, entry.address, entry.request_id) == (number, "bob", "192.0.2.7", "r1")
    assert entry.team_id and entry.detail == {"items": 3}


def test_roles_and_members_are_lines(team: Team, alice: User, bob: User, charlie: User, alone: int) -> None:
    member = teams.add_member(team, charlie, role=Role.VIEWER)
    teams.add_member(team, charlie, role=Role.ADMIN)
    teams.change_role(member, Role.EDITOR)
    teams.remove_member(member)
    person = ("user", str(charlie.pk))
    actions = ("member-added", "role-changed", "member-removed")
    assert lines(alone) == [(action, *person) for action in actions]
    assert set(AuditEntry.objects.order_by("id")[alone:].values_list("team_id", flat=True)) == {team.pk}


def test_a_token_is_made_used_and_taken_back(team: Team, bob: User, alone: int) -> None:
    token, secret = tokens.create_token(bob, team, name="my laptop", scopes=READ)
    for _ in range(3):
        assert tokens.check_token(secret)
    audit.forget()
    assert tokens.check_token(secret)
    tokens.revoke(Token.objects.filter(pk=token.pk))
    thing = ("token", str(token.pk))
    assert lines(alone) == [(action, *thing) for action in ("token-made", "token-used", "token-revoked")]
    assert secret not in str(list(AuditEntry.objects.values())) and "laptop" not in str(
        list(AuditEntry.objects.values())
    )


def test_a_token_is_one_line_for_each_address_and_hour(team: Team, bob: User, alone: int) -> None:
    _, secret = tokens.create_token(bob, team, name="a", scopes=READ)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        with audit.coming_from(audit.Origin(address=lambda address=address: address)):
            tokens.check_token(secret)
    assert [line[0] for line in lines(alone)].count("token-used") == 2


def test_a_change_that_is_taken_back_leaves_no_line(team: Team, bob: User, alone: int) -> None:
    member = Membership.objects.get(team=team, user=bob)
    with pytest.raises(RuntimeError), transaction.atomic():
        teams.change_role(member, Role.VIEWER)
        raise RuntimeError
    assert lines(alone) == [] and Membership.objects.get(pk=member.pk).role == Role.EDITOR


def test_a_new_password_takes_tokens_back(team: Team, bob: User, alone: int) -> None:
    _, secret = tokens.create_token(bob, team, name="a", scopes=READ)
    bob.set_password("quite-another-7")
    bob.save()
    assert tokens.check_token(secret) is None
    assert [line[0] for line in lines(alone)] == ["token-made", "token-revoked", "password-changed"]
    assert "quite-another-7" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("wrong", ["two words", "Käse", "x" * 65, "<b>", "a\nb"])
def test_a_detail_that_people_write_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="“title” is none of these"):
        audit.note(Action.EXPORTED, title=wrong)


@pytest.mark.django_db(transaction=True)
def test_of_what_happens_at_once_in_many_processes_there_is_one_line() -> None:
    start = threading.Barrier(6)

    def use() -> None:
        start.wait()
        # As if each were a process of its own.
        audit.forget()
        audit.note_once(Action.TOKEN_USED, ("token", "7"), seconds=3600)
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = AuditEntry.objects.filter(action=Action.TOKEN_USED, thing="7").count()
    figures.keep(10, "uses of a token at once by six, lines of them", asked=6, written=written)
    assert written == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken_by", ["the line could not be written", "all around it was taken back"])
def test_a_line_that_was_not_kept_is_written_the_next_time(broken_by: str) -> None:
    def use() -> None:
        audit.note_once(Action.TOKEN_USED, ("token", "8"), seconds=3600)

    if broken_by == "the line could not be written":
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(InternalError):
            use()
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    else:
        with pytest.raises(RuntimeError), transaction.atomic():
            use()
            raise RuntimeError
    use()
    use()
    assert AuditEntry.objects.filter(action=Action.TOKEN_USED, thing="8").count() == 1
