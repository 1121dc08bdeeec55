"""Signing in: by password; an account is made by an administrator, never by a visitor."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from searchsite.accounts import audit, hearing
from searchsite.accounts.models import Action


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keeps sign-up closed."""

    def is_safe_url(self, url: str | None) -> bool:
        """Whether somebody may be sent there, once signed in or out; allauth's own way fails at half an address."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts={self.request.get_host()})

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account from outside."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse whoever has failed too often, and write that down once a minute."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            audit.note_once(Action.LOCKED_OUT, hearing.named(credentials), seconds=audit.MINUTE)
            raise
