"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """The room `ops`."""

    name = "searchsite.ops"
    label = "ops"
