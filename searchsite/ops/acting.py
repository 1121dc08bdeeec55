"""On whose behalf a command acts, and one plain sentence when the database is away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser
from django.db import Error, InterfaceError, OperationalError

from searchsite.accounts.models import Team, User
from searchsite.accounts.teams import membership_of
from searchsite.library import files
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from searchsite.ops.errors import CannotKeep, CannotStart


@contextmanager
def plain_words() -> Iterator[None]:
    """Turn an unreachable database into a sentence."""
    try:
        yield
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise CommandError(f"The database does not answer. Is `make run` running? ({_on_one_line(error)})") from error


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn whatever may go wrong with files and databases, in a backup, a restore or a look, into a sentence."""
    try:
        with plain_words():
            yield
    except (CannotKeep, CannotStart, Refusal) as error:
        raise CommandError(str(error)) from None
    except (Error, psycopg.Error) as error:
        raise CommandError(f"The database refuses: {_on_one_line(error)}") from error
    except OSError as error:
        what = "The disk is full" if error.errno in files.FULL else error.strerror or "It cannot be read or written"
        raise CommandError(f"{what}: {error.filename or error}.") from error


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def name_asker(parser: CommandParser) -> None:
    """Let a command be told who asks."""
    parser.add_argument("--user", help="user name of the person who asks (default: the first user)")
    parser.add_argument("--team", help="name of the team (default: the first the person joined)")


def scope_of_asker(options: Mapping[str, Any]) -> Scope:
    """What the person who was named may see."""
    user = person(options["user"])
    return scope_for(user, team_of(user, options["team"]))


def person(name: str | None) -> User:
    """Return the active user of that name; without a name, the first one there is."""
    users = User.objects.filter(is_active=True).order_by("id")
    if name is None:
        first = users.first()
        if first is None:
            raise CommandError("There is no user yet. Run `make run` once: it makes the first one.")
        return first
    found = users.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user named {name!r}.")
    return found


def team_of(user: User, name: str | None = None) -> Team:
    """Return the person's team of that name; without a name, the first they joined."""
    if name is None:
        membership = membership_of(user)
        if membership is None:
            raise CommandError(f"{user} is in no team.")
        return membership.team
    named = user.memberships.select_related("team").filter(team__name__iexact=name).first()
    if named is None:
        raise CommandError(f"{user} is not in a team named {name!r}.")
    return named.team
