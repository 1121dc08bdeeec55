"""The base of our commands: they begin without Django's checks, and not amid a restore."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_noop

from searchsite import config as configuration
from searchsite.accounts import audit
from searchsite.ops import places
from searchsite.ops.errors import CannotStart

ACTOR = audit.Actor(name=gettext_noop("command line"))


class QuickCommand(BaseCommand):
    """A command that starts at once: the checks load every page of the site, which takes a second."""

    requires_system_checks: list[str] = []
    # Whether it runs while files and database may not fit together: it looks by itself, or needs neither.
    amid_a_restore = False

    def execute(self, *args: Any, **options: Any) -> str | None:
        """What it changes is the doing of whoever sits there, and the audit log says so."""
        if not self.amid_a_restore:
            require_settled()
        with audit.coming_from(audit.Origin(who=lambda: ACTOR)):
            return super().execute(*args, **options)


def require_settled() -> None:
    """Refuse to run while a restore is under way, or was cut off: what is put in now would be lost."""
    try:
        places.require_settled(configuration.load())
    except CannotStart as error:
        raise CommandError(str(error)) from None
