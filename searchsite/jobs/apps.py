"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from searchsite.jobs import stepping_back


class JobsConfig(AppConfig):
    """The room `jobs`."""

    name = "searchsite.jobs"
    label = "jobs"
    verbose_name = _("Jobs")

    def ready(self) -> None:
        """Have the embedded Postgres step back with the workers."""
        connection_created.connect(stepping_back.with_us)
