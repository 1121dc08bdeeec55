"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The room `api`."""

    name = "searchsite.api"
    label = "api"
