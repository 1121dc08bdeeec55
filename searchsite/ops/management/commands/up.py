"""`manage.py up`: starts everything and keeps it running."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from searchsite import config as configuration
from searchsite.ops import places
from searchsite.ops.backups import layout
from searchsite.ops.errors import CannotStart
from searchsite.ops.quick import QuickCommand
from searchsite.ops.supervisor import Supervisor, say


class Command(QuickCommand):
    """Parses nothing: the environment configures the house."""

    amid_a_restore = True
    help = "Start the embedded servers, the web server, the workers and the clock; Ctrl-C stops them all."

    def handle(self, *args: Any, **options: Any) -> None:
        config = configuration.load()
        try:
            places.require_guarded(config)
            layout.require_data_apart(config)
            say(f"searchsite starts; its data is in {config.data_dir}")
            Supervisor(config).live()
        except CannotStart as error:
            raise CommandError(str(error)) from None
