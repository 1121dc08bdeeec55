"""Addresses under /api/."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from searchsite.api import docs
from searchsite.api.v1 import api

app_name = "api"
openapi, page = docs.views_of(api)


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Answer for every address that there is not."""
    raise Http404


urlpatterns = [
    path("v1/openapi.json", openapi, name="openapi"),
    path("v1/docs", page, name="docs"),
    path("v1/", nothing),
    path("v1/", api.urls),
    re_path("", nothing),
]
