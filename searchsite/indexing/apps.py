"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class IndexingConfig(AppConfig):
    """The room `indexing`."""

    name = "searchsite.indexing"
    label = "indexing"
