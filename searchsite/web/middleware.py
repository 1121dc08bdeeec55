"""Headers on every answer, the team a signed-in person works in, how long a session lasts, and who acts from where."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from searchsite.accounts import audit, sessions
from searchsite.accounts.models import Membership as Member
from searchsite.accounts.teams import chosen_of, memberships_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Django's own middleware sends some of them too, but not where it is itself that refuses: an unknown host, say.
HEADERS = {
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
Answer = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger()


class Audited:
    """Tells the audit log who acts from where, and writes a line where somebody was not permitted to."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        origin = audit.Origin(lambda: _actor(request), lambda: _address(request), request_id)
        with audit.coming_from(origin):
            response = self.get_response(request)
            if response.status_code == 403:
                _note_denied(request, origin)
        return response


def _note_denied(request: HttpRequest, origin: audit.Origin) -> None:
    """Of people who are known: a stranger could fill the log. The answer does not depend on it."""
    match = request.resolver_match
    try:
        if origin.who().id is not None:
            audit.note_once(audit.Action.DENIED, ("page", (match and match.view_name) or "?"), seconds=audit.MINUTE)
    except Error:
        log.warning("the audit log lacks a refusal")


def _actor(request: HttpRequest) -> audit.Actor:
    """Who is signed in, if somebody is; middleware further in says so."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return audit.Actor()
    membership = getattr(request, "membership", None) or None
    return audit.Actor(user.pk, user.get_username(), membership.team_id if membership else None)


def _address(request: HttpRequest) -> str:
    """Where the client is, as limits on sign-ins see it."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        return ""


class SessionAge:
    """Ends sessions whose time is over. Without a cookie there is none, and nothing is looked up."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            sessions.tend(request)
        return self.get_response(request)


def policy() -> str:
    """What pages may load: of ours, and pictures from the one other host that shows our files."""
    return POLICY.replace("blob:", f"blob: {settings.FILES_URL}") if settings.FILES_URL else POLICY


class SecurityHeaders:
    """Says with every answer what a browser may do with it, the content security policy first."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", policy())
        # In place of the web server's own name.
        response.headers["Server"] = "searchsite"
        return response


class Membership:
    """Sets `request.memberships`, and `request.membership`: the one in the session's current team, or None."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        @cache
        def held() -> list[Member]:
            return memberships_of(request.user) if request.user.is_authenticated else []

        def current() -> Member | None:
            memberships = held()
            return chosen_of(memberships, request.session.get("team")) if memberships else None

        request.memberships = held  # type: ignore[attr-defined]
        request.membership = SimpleLazyObject(current)  # type: ignore[attr-defined]
        return self.get_response(request)
