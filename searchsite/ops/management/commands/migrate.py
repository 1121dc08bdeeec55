"""`manage.py migrate`: Django's own, without the limit that other statements have."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from searchsite.ops.quick import require_settled
from searchsite.ops.unhurried import unhurried


class Command(migrate.Command):
    """Whoever migrates calls this one, by hand and at each start; a restore calls Django's."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse tables that a restore, which was cut off, may not leave as they are."""
        require_settled()
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        with unhurried(connections[options["database"]]):
            super().handle(*args, **options)
