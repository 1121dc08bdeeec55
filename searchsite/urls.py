"""The table of addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("searchsite.ops.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
]
