"""Headers on every answer, and the team a signed-in person works in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from searchsite.accounts.models import Membership as Member
from searchsite.accounts.teams import membership_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Answer = Callable[[HttpRequest], HttpResponse]


class SecurityHeaders:
    """Adds the content security policy and its kin to every answer that has none of its own."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response


class Membership:
    """Sets `request.membership`: the person's membership in the session's current team, or None."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        def current() -> Member | None:
            if not request.user.is_authenticated:
                return None
            return membership_of(request.user, request.session.get("team"))

        request.membership = SimpleLazyObject(current)  # type: ignore[attr-defined]
        return self.get_response(request)
