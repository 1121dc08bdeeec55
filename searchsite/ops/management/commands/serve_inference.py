"""`manage.py serve_inference`: the one process in which networks are loaded."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from searchsite import config as configuration
from searchsite.inference import server


class Command(BaseCommand):
    """Serves on the unix socket of the configuration."""

    help = "Serve the built-in networks on a unix socket that only this user can open."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        config = configuration.load()
        server.serve(config.inference_socket, config.data_dir / "inference", lambda: self.stdout.write("ready"))
