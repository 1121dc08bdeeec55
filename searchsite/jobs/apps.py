"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The room `jobs`."""

    name = "searchsite.jobs"
    label = "jobs"
