"""`manage.py migrate`: Django's own, without the limit that other statements have."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from searchsite.ops.quick import require_settled
from searchsite.ops.unhurried import unhurried


class Command(migrate.Command):
    """Whoever migrates calls this one: by hand, at each start, and in a restore."""

    stealth_options = ("amid_a_restore",)

    def handle(self, *args: Any, amid_a_restore: bool = False, **options: Any) -> None:
        if not amid_a_restore:
            require_settled()
        with unhurried(connections[options["database"]]):
            super().handle(*args, **options)
