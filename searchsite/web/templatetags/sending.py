"""Where files that are dropped or pasted on a page go."""

from __future__ import annotations

from typing import Any, TypedDict

from django import template
from django.conf import settings
from django.utils.translation import gettext as _

from searchsite.library.models import Collection, Purpose
from searchsite.web.doors import MemberRequest
from searchsite.web.ids import parsed

register = template.Library()


class UploadPlace(TypedDict):
    """The collection, by id and name (without an id the Inbox), and the largest file it takes."""

    id: str
    name: str
    most: int
    most_mb: int


@register.simple_tag(takes_context=True)
def upload_place(context: dict[str, Any]) -> UploadPlace:
    """Return the collection the page is narrowed to, if the person may write there; else the Inbox."""
    request: MemberRequest = context["request"]
    most = settings.CONFIG.max_file_bytes
    place = UploadPlace(id="", name=_("Inbox"), most=most, most_mb=most >> 20)
    chosen = _chosen(request)
    if chosen is not None:
        place["id"], place["name"] = str(chosen.public_id), chosen.shown_name
    return place


def _chosen(request: MemberRequest) -> Collection | None:
    asked = request.GET.getlist("collection")
    if len(asked) != 1 or not hasattr(request, "scope"):
        return None
    public_id = parsed(asked[0])
    writable = Collection.objects.filter(id__in=request.scope.writable_ids).exclude(purpose=Purpose.INBOX)
    return writable.filter(public_id=public_id).first() if public_id else None
