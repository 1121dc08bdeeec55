"""The base of our commands: they begin without Django's checks."""

from __future__ import annotations

from django.core.management.base import BaseCommand


class QuickCommand(BaseCommand):
    """A command that starts at once: the checks load every page of the site, which takes a second."""

    requires_system_checks: list[str] = []
