"""What every page's door asks first: who is it, in which team, and by which method."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from searchsite.accounts.models import Membership, User
from searchsite.indexing import once
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from searchsite.search.wrong import BadQuestion, NotFound

P = ParamSpec("P")
RETRY_SECONDS, PASSING = 5, (423, 429, 503)


class MemberRequest(HttpRequest):
    """The request of a signed-in person who works in a team."""

    user: User
    membership: Membership
    scope: Scope
    htmx: HtmxDetails


View = Callable[..., HttpResponseBase]
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponseBase]


def in_team(*methods: str, may: Callable[[User], bool] | None = None) -> Callable[[MemberView[P]], View]:
    """Let only members of a team in, by these methods; answer a refusal with its sentence and status.

    may: of them, only those of whom this is true.
    """
    allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]

    def wrap(view: MemberView[P]) -> View:
        @require_http_methods(allowed)
        @wraps(view)
        def door(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = cast(MemberRequest, request)
            if not request.user.is_authenticated:
                return sign_in_first(member)
            if not getattr(request, "membership", None):
                return render(request, "account/no_team.html", status=403)
            if may is not None and not may(member.user):
                raise PermissionDenied
            member.scope = scope_for(member.user, member.membership.team_id)
            # A page that only shows need not ask twice what holds for all of it.
            showing = once.reading() if request.method in ("GET", "HEAD") else nullcontext()
            try:
                with showing:
                    response = view(member, *args, **kwargs)
            except Refusal as refusal:
                response = refused(member, refusal)
            except NotFound as gone:
                if not member.htmx:
                    # As what never was there: it may have gone while the page was made.
                    raise Http404(str(gone)) from None
                response = refused(member, Refusal(str(gone), code="question", status=404))
            except BadQuestion as wrong:
                response = refused(member, Refusal(str(wrong), code="question", status=400))
            patch_cache_control(response, private=True, no_cache=True)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return door

    return wrap


def refused(request: MemberRequest, refusal: Refusal) -> HttpResponse:
    """Show why not: the bare sentence to a script, a page to a person."""
    if request.htmx:
        response = HttpResponse(str(refusal), content_type="text/plain; charset=utf-8", status=refusal.status)
    else:
        response = render(request, "refused.html", {"refusal": refusal}, status=refusal.status)
    return patient(response, refusal)


def patient(response: HttpResponse, refusal: Exception) -> HttpResponse:
    """Say when to come back, where waiting helps."""
    if response.status_code in PASSING:
        response["Retry-After"] = str(getattr(refusal, "retry_after", RETRY_SECONDS))
    return response


def _page_of(request: MemberRequest) -> str:
    """The address of the page whose script asks, as it says."""
    try:
        return request.htmx.current_url_abs_path or "/"
    except ValueError:
        return "/"


def sign_in_first(request: MemberRequest) -> HttpResponse:
    """Lead to the sign-in page, and from there back."""
    if request.htmx:
        # A script would follow a redirect and put the sign-in page into the middle of the page.
        back = redirect_to_login(_page_of(request))
        return HttpResponseClientRedirect(back.url)
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")
