"""The table of addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

admin.autodiscover()

urlpatterns = [
    path("", include("searchsite.ops.urls")),
    path("api/", include("searchsite.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("searchsite.web.urls")),
]

handler400 = "searchsite.web.failing.bad_request"
handler500 = "searchsite.web.failing.failed"
