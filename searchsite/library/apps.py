"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """The room `library`."""

    name = "searchsite.library"
    label = "library"
