"""Django's registration of the room."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The room `accounts`."""

    name = "searchsite.accounts"
    label = "accounts"
