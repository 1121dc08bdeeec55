"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibraryConfig(AppConfig):
    """The room `library`."""

    name = "searchsite.library"
    label = "library"
    verbose_name = _("Library")
