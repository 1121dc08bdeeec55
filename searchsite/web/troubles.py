"""The banner that tells operators which servers are not well, and which disks are nearly full."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from searchsite.indexing import trouble
from searchsite.library import volumes
from searchsite.library.volumes import Volume


def notices(request: HttpRequest) -> dict[str, Any]:
    """For the templates: to operators, what is not well, and what to do about it."""
    return {"troubles": SimpleLazyObject(lambda: _known(request))}


def _known(request: HttpRequest) -> list[trouble.Trouble]:
    if not (request.user.is_authenticated and request.user.is_superuser):
        return []
    return [*map(_of_disk, filter(lambda one: one.is_short, volumes.volumes())), *trouble.now()]


def _of_disk(low: Volume) -> trouble.Trouble:
    advice = _("Nothing is taken in or worked on until there is room; searching goes on.")
    return trouble.Trouble(low.name, "nearly full", low.found, advice)
