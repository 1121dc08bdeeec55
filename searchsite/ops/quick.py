"""The base of our commands: they begin without Django's checks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_noop

from searchsite import config
from searchsite.accounts import audit
from searchsite.ops import places
from searchsite.ops.errors import CannotStart

ACTOR = audit.Actor(name=gettext_noop("command line"))


class QuickCommand(BaseCommand):
    """A command that starts at once: the checks load every page of the site, which takes a second."""

    requires_system_checks: list[str] = []
    needs_settled = True
    """It is not for a house whose restore was cut off: what it puts in would go when that is undone."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """What it changes is the doing of whoever sits there, and the audit log says so."""
        if self.needs_settled:
            require_settled()
        with audit.coming_from(audit.Origin(who=lambda: ACTOR)):
            return super().execute(*args, **options)


def require_settled() -> None:
    """Raise CommandError where a restore is under way, or was cut off."""
    try:
        places.require_settled(config.load())
    except CannotStart as error:
        raise CommandError(str(error)) from None
