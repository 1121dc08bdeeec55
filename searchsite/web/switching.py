"""Switching to another team of one's own."""

from __future__ import annotations

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed


@in_team("POST")
def switch_team(request: MemberRequest) -> HttpResponseBase:
    """Work in another team from now on."""
    wanted = parsed(request.POST.get("team", ""))
    membership = request.user.memberships.filter(team__public_id=wanted).first() if wanted else None
    if membership is None:
        raise Http404
    request.session["team"] = membership.team_id
    return redirect("home")
