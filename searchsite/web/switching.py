"""Switching to another team of one's own."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from searchsite.web.doors import MemberRequest, in_team


@in_team("POST")
def switch_team(request: MemberRequest) -> HttpResponseBase:
    """Work in another team from now on."""
    try:
        wanted = UUID(request.POST.get("team", ""))
    except ValueError:
        raise Http404 from None
    membership = request.user.memberships.filter(team__public_id=wanted).first()
    if membership is None:
        raise Http404
    request.session["team"] = membership.team_id
    return redirect("home")
