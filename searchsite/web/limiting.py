"""Counts what people ask for, by what it costs; the API counts its callers itself, once it knows them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from searchsite.accounts import rates, turns
from searchsite.accounts.rates import Claim, Rule, TooOften
from searchsite.web import downloads, incoming

API, OPERATIONS = "/api/", "api:v1:"
# Whoever watches over the site asks as often as they like.
UNCOUNTED = {"/livez", "/readyz", "/metrics"}
READS, SENDS = ("GET", "HEAD"), ("POST",)
RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "home": (rates.SEARCHES, READS),
    "search": (rates.SEARCHES, READS),
    "search-facets": (rates.SEARCHES, READS),
    "search-picture": (rates.PICTURES, SENDS),
    "ask": (rates.QUESTIONS, SENDS),
    "ask-stream": (rates.QUESTIONS, SENDS),
    "upload": (rates.UPLOADS, SENDS),
    "tus": (rates.UPLOADS, SENDS),
    "note-new": (rates.UPLOADS, SENDS),
}
"""What counts apart, by the name of the address and the method; all else is one of a person's requests."""
Refused = TooOften | turns.TooMany | downloads.TooMany


class Rates:
    """Answers 429 to who asks too often, before anything of the body is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            _count_one(request)
            response = self.get_response(request)
            _count_uncounted(request)
            return response
        except TooOften as refused:
            return answer(request, refused)
        finally:
            turn = getattr(request, "turn", None)
            if turn is not None:
                turn.free()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Count what costs more than a page; a search waits for its turn."""
        if incoming.is_cut(request.META):
            # The check against forgery read the body, and swallows that it broke off. `failing.NoRoom` says what to do.
            return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        match = request.resolver_match
        rule, methods = RULES.get((match and match.view_name) or "", (None, ()))
        if rule is None or request.method not in methods or not request.user.is_authenticated:
            return None
        try:
            spend(request, rule)
            if rule is rates.SEARCHES:
                take_turn(request, f"user:{request.user.pk}")
        except (TooOften, turns.TooMany) as refused:
            return answer(request, refused)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that counted more, or that has too much on its way."""
        return answer(request, error) if isinstance(error, TooOften | downloads.TooMany) else None


def spend(request: HttpRequest, rule: Rule, amount: int = 1) -> None:
    """Count so many of one kind for who is signed in, and for their team where a team has a limit, too."""
    rates.spend(*_claims(request, rule), amount=amount)


def spend_of_token(request: HttpRequest, token: int) -> None:
    """Count a request that a token came with."""
    request.counted = True  # type: ignore[attr-defined]
    rates.spend((rates.REQUESTS, f"token:{token}"))


def take_turn(request: HttpRequest, who: str) -> None:
    """Wait until fewer searches of this person are under way. It ends with the request."""
    request.turn = turns.take(who, most=settings.CONFIG.searches_at_once)  # type: ignore[attr-defined]


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The bare sentence to a script, a page to a person; and when to come back."""
    status = getattr(refused, "status", HTTPStatus.TOO_MANY_REQUESTS)
    if "HX-Request" in request.headers or "Tus-Resumable" in request.headers:
        response = HttpResponse(str(refused), content_type="text/plain; charset=utf-8")
    else:
        response = HttpResponse(render_to_string(f"{status:d}.html", {"sentence": str(refused)}))
    # For the API, which tells it in its own form.
    response.sentence = str(refused)  # type: ignore[attr-defined]
    response.status_code = status
    response["Retry-After"] = str(refused.retry_after)
    response["Cache-Control"] = "no-store"
    return response


def _count_one(request: HttpRequest) -> None:
    """Before any work; only a token is counted where it is known whether it is one."""
    if request.path in UNCOUNTED:
        return
    if "Authorization" in request.headers and _takes_a_token(request.path_info):
        request.counted = False  # type: ignore[attr-defined]
        return
    # Whose session it is says that already: the person need not be looked up.
    person = "" if request.path.startswith(API) else request.session.get(SESSION_KEY, "")
    if person:
        rates.spend((rates.REQUESTS, f"user:{person}"))
    else:
        _count_visit(request)


def _count_uncounted(request: HttpRequest) -> None:
    """Where what was shown was no token, or was not looked at."""
    if not getattr(request, "counted", True):
        _count_visit(request)


def _takes_a_token(path: str) -> bool:
    """Whether there is a view that lets in by a token, and counts it."""
    try:
        match = resolve(path)
    except Resolver404:
        return False
    return match.view_name.startswith(OPERATIONS) or getattr(match.func, "takes_a_token", False)


def _count_visit(request: HttpRequest) -> None:
    rates.spend((rates.VISITS, rates.address_of(request.META.get("REMOTE_ADDR", ""))))


def _claims(request: HttpRequest, rule: Rule) -> list[Claim]:
    claims = [(rule, f"user:{request.user.pk}")]
    membership = getattr(request, "membership", None)
    if rule is rates.UPLOADS and membership:
        claims.append((rates.TEAM_UPLOADS, f"team:{membership.team_id}"))
    return claims
