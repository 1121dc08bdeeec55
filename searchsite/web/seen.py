"""The item that an address names, as far as the person may see or change it."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from searchsite.library.models import Item
from searchsite.library.scope import Scope


def visible(scope: Scope, public_id: UUID) -> Item:
    """Return the item, or 404: what is missing and what is not shared look alike."""
    found = Item.objects.visible_to(scope).select_related("collection", "blob", "created_by")
    one = found.filter(public_id=public_id).first()
    if one is None:
        raise Http404(_("Nothing here."))
    return one


def writable(scope: Scope, public_id: UUID) -> Item:
    """Return the item if it may be changed: 404 when it is not visible, 403 when it is only that."""
    one = visible(scope, public_id)
    if one.collection_id not in scope.writable_ids:
        raise PermissionDenied
    return one
