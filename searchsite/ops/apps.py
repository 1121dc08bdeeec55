"""Django's registration of the room."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """The room `ops`."""

    name = "searchsite.ops"
    label = "ops"

    def ready(self) -> None:
        """Its checks register themselves."""
        import_module("searchsite.ops.checks")
