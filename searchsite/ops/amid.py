"""Which of Django's own commands run amid a restore: ours look by themselves, those know nothing of it."""

from __future__ import annotations

import django
from django.core.management import get_commands

from searchsite.config import Config
from searchsite.ops import places

# They change nothing in the database; `dbshell` is how an operator helps where settling cannot.
HARMLESS = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "dbshell",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "showmigrations",
        "version",
    }
)


def require_settled_for(command: str, config: Config) -> None:
    """Refuse a foreign command that may change what a restore puts aside or throws away. Raises CannotStart."""
    only_asks = not command or command.startswith("-") or command in HARMLESS
    if only_asks or places.is_settled(config):
        return
    django.setup()
    room = get_commands().get(command)
    if room is not None and not str(room).startswith("searchsite."):
        places.require_settled(config)
