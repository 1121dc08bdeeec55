"""What the search box offers while somebody types, as JSON for its script."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from searchsite.search import suggesting
from searchsite.search.suggesting import Suggestion
from searchsite.web.doors import MemberRequest, in_team

ICONS = {"title": "search", "tag": "tag", "in": "folder", "by": "team", "kind": "image"}


@in_team("GET")
def suggest(request: MemberRequest) -> HttpResponseBase:
    """Offer titles, tags and values for the words so far."""
    found = suggesting.suggest(request.GET.get("q", ""), request.scope)
    return JsonResponse({"suggestions": [_shown(one) for one in found]})


def _shown(one: Suggestion) -> dict[str, str]:
    return {
        "kind": one.kind,
        "icon": ICONS.get(one.kind, "search"),
        "text": one.text,
        "query": one.query,
        "url": f"{reverse('home')}?{urlencode({'q': one.query})}",
    }
