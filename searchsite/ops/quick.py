"""The base of our commands: they begin without Django's checks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_noop

from searchsite.accounts import audit

ACTOR = audit.Actor(name=gettext_noop("command line"))


class QuickCommand(BaseCommand):
    """A command that starts at once: the checks load every page of the site, which takes a second."""

    requires_system_checks: list[str] = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        """What it changes is the doing of whoever sits there, and the audit log says so."""
        with audit.coming_from(audit.Origin(who=lambda: ACTOR)):
            return super().execute(*args, **options)
