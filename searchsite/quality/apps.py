"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class QualityConfig(AppConfig):
    """The room `quality`."""

    name = "searchsite.quality"
    label = "quality"
