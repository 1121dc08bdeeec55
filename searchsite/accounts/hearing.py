"""Hears what Django says of sign-ins: each is a line of the audit log, and a session begins with its moment."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import signals
from django.http import HttpRequest

from searchsite.accounts import audit, sessions
from searchsite.accounts.models import Action, User


def listen() -> None:
    """Connect; Django offers no other place for it."""
    signals.user_logged_in.connect(_signed_in, dispatch_uid="audit")
    signals.user_logged_out.connect(_signed_out, dispatch_uid="audit")
    signals.user_login_failed.connect(_failed, dispatch_uid="audit")


def named(credentials: dict[str, Any]) -> User | None:
    """Whom somebody says to be. What was typed is never kept: people type passwords into the wrong box."""
    name = str(credentials.get("username") or "").replace("\0", "")
    return User.objects.filter(username=name).first()


def _signed_in(user: User, request: HttpRequest | None = None, **more: Any) -> None:
    if request is not None:
        sessions.begin(request)
    audit.note(Action.SIGNED_IN, user, by=user)


def _signed_out(user: User | None, request: HttpRequest | None = None, **more: Any) -> None:
    if user is not None and user.is_authenticated:
        audit.note(Action.SIGNED_OUT, user, by=user)


def _failed(credentials: dict[str, Any], **more: Any) -> None:
    audit.note(Action.SIGN_IN_FAILED, named(credentials))
