"""`manage.py migrate`: Django's own, without the limit that other statements have."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from searchsite.ops.unhurried import unhurried


class Command(migrate.Command):
    """Whoever migrates calls this one: by hand, at each start, and in a restore."""

    def handle(self, *args: Any, **options: Any) -> None:
        with unhurried(connections[options["database"]]):
            super().handle(*args, **options)
