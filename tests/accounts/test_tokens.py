"""Tokens open the door of one team, for as long as their person may enter it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Token
from searchsite.accounts.tokens import check_token, create_token

pytestmark = pytest.mark.django_db

READ = frozenset({"read"})


def test_a_token_is_kept_only_as_a_digest(team, alice) -> None:
    token, secret = create_token(alice, team, name="laptop", scopes=READ)
    assert check_token(secret) == token
    assert secret not in str(Token.objects.filter(pk=token.pk).values())


@pytest.mark.parametrize("secret", ["", "ss_", "ss_wrong", "\ud800", "x" * 100_000, "\0"])
def test_a_made_up_token_opens_nothing(db, secret) -> None:
    assert check_token(secret) is None


def test_an_expired_token_is_dead(team, alice) -> None:
    token, secret = create_token(alice, team, name="laptop", scopes=READ)
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert check_token(secret) is None


def test_a_token_dies_with_its_persons_account(team, bob) -> None:
    _, secret = create_token(bob, team, name="laptop", scopes=READ)
    bob.is_active = False
    bob.save()
    assert check_token(secret) is None


def test_a_token_dies_with_the_membership(team, bob) -> None:
    _, secret = create_token(bob, team, name="laptop", scopes=READ)
    teams.remove_member(Membership.objects.get(team=team, user=bob))
    assert check_token(secret) is None


def test_unknown_scopes_are_refused(team, alice) -> None:
    with pytest.raises(ValueError, match="Unknown scopes: fly"):
        create_token(alice, team, name="laptop", scopes=frozenset({"read", "fly"}))


def test_the_command_prints_the_token_as_its_last_line(team, alice, capsys) -> None:
    call_command("create_token", user="alice", scopes="read,write", name="script")
    held = check_token(capsys.readouterr().out.strip().splitlines()[-1])
    assert held is not None and (held.user, held.team, held.name) == (alice, team, "script")
    assert held.scope_names == {"read", "write"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": "nobody"}, "no user named"),
        ({"user": "charlie"}, "is in no team"),
        ({"user": "alice", "team": "elsewhere"}, "is not in a team named"),
        ({"user": "alice", "scopes": "fly"}, "Unknown scopes: fly"),
        ({"user": "alice", "scopes": ""}, "none given"),
    ],
)
def test_the_command_says_what_is_wrong(team, charlie, options, words) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("create_token", **options)
