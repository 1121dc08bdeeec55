"""Headers on every answer, and the team a signed-in person works in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from searchsite.accounts.models import Membership as Member
from searchsite.accounts.teams import chosen_of, memberships_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Django's own middleware sends some of them too, but not where it is itself that refuses: an unknown host, say.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
Answer = Callable[[HttpRequest], HttpResponse]


class SecurityHeaders:
    """Says with every answer what a browser may do with it, the content security policy first."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
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
