"""Where messages to a person wait for the next page: a cookie of this host alone, or the session where it is full."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookie(CookieStorage):
    """Named as the other cookies are: over https no other host can set it."""

    cookie_name = "__Host-messages" if settings.CONFIG.https else "messages"


class Messages(FallbackStorage):
    """Django's two storages with that cookie."""

    storage_classes = (OwnCookie, SessionStorage)
