"""Headers on every answer, the team a signed-in person works in, how long a session lasts, and who acts from where."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from searchsite.accounts import audit, sessions
from searchsite.accounts.models import Membership as Member
from searchsite.accounts.teams import chosen_of, memberships_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{files}; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
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
    except DatabaseError:
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


class SecurityHeaders:
    """Adds what Django's own middleware does not know: the content security policy, and what a page may use."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response.headers:
            # Pictures come from here, and from the one other host that shows our files.
            files = f" {settings.FILES_URL}" if settings.FILES_URL else ""
            response.headers["Content-Security-Policy"] = POLICY.format(files=files)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
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
