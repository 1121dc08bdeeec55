"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """The room `search`."""

    name = "searchsite.search"
    label = "search"
