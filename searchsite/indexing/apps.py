"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IndexingConfig(AppConfig):
    """The room `indexing`."""

    name = "searchsite.indexing"
    label = "indexing"
    verbose_name = _("Indexing")
