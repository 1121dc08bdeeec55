"""`manage.py create_token --user NAME --scopes read,write`: a bearer token, printed once as the last line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.accounts import tokens
from searchsite.ops.acting import person, plain_words, team_of
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Makes a token for scripts."""

    help = "Make an API token. The last line printed is the token; it is not kept and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="user name of the person the token acts for")
        parser.add_argument("--scopes", default="read", help="read, write or both, comma separated (default: read)")
        parser.add_argument("--team", help="name of the team (default: the first the person joined)")
        parser.add_argument("--name", default="command line", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = frozenset(name.strip() for name in options["scopes"].split(",") if name.strip())
        with plain_words():
            user = person(options["user"])
            team = team_of(user, options["team"])
            try:
                token, secret = tokens.create_token(user, team, name=options["name"][:100], scopes=scopes)
            except ValueError as error:
                raise CommandError(str(error)) from None
        self.stdout.write(f"Token “{token.name}” for {user} in team {team}, scopes {token.scopes}. Keep it:")
        self.stdout.write(secret)
