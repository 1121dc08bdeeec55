"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The room `web`."""

    name = "searchsite.web"
    label = "web"
