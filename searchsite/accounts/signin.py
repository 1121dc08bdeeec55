"""Signing in: by password; an account is made by an administrator, never by a visitor."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keeps sign-up closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account from outside."""
        return False
