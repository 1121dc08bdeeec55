"""Addresses for whoever operates the site."""

from __future__ import annotations

from django.urls import path

from searchsite.ops import health, metrics

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
