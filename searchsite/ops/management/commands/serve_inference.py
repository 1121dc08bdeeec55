"""`manage.py serve_inference`: the one process in which networks are loaded."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import CommandError

from searchsite import config as configuration
from searchsite.inference import local, server
from searchsite.ops import places
from searchsite.ops.errors import CannotStart
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Serves on the unix socket of the configuration."""

    amid_a_restore = True
    help = "Serve the networks of the configuration on a unix socket that only this user can open."

    def handle(self, *args: Any, **options: Any) -> None:
        config = configuration.load()
        logging.basicConfig(level=config.log_level, format="%(asctime)s %(message)s")
        try:
            places.make(config)
            server.serve(
                config.inference_socket,
                config.data_dir / "inference",
                readers=config.read_workers,
                local=local.local_from(config),
            )
        except (CannotStart, server.CannotServe) as error:
            raise CommandError(str(error)) from None
