"""The banner that tells operators which servers are not well."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from searchsite.indexing import trouble


def notices(request: HttpRequest) -> dict[str, Any]:
    """For the templates: to operators, which servers are not well, and what to do about it."""
    return {"troubles": SimpleLazyObject(lambda: _known(request))}


def _known(request: HttpRequest) -> list[trouble.Trouble]:
    return trouble.now() if request.user.is_authenticated and request.user.is_superuser else []
