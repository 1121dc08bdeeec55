"""Entries: items just put in, as the list of uploads shows them, with their stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from searchsite.indexing import stages
from searchsite.indexing.stages import Progress
from searchsite.library.intake import Added
from searchsite.library.models import Item
from searchsite.library.scope import Scope

# A page lists at most so many, and one polling request asks for at most so many.
LISTED = 200


class Entry(TypedDict):
    """One item, how far it is, and whether it was there before."""

    item: Item
    progress: Progress
    known: bool


def added(request: HttpRequest, new: Added) -> HttpResponse:
    """Answer a script with the entry of what it put in."""
    entry = Entry(item=new.item, progress=stages.status_of([new.item])[new.item.pk], known=not new.created)
    return render(request, "upload/_entry.html", {"entry": entry})


def listed(scope: Scope, ids: Sequence[UUID]) -> list[Entry]:
    """Return the entries of those items that the scope may see, the newest first."""
    items = list(Item.objects.visible_to(scope).select_related("collection").filter(public_id__in=ids).order_by("-id"))
    progress = stages.status_of(items)
    return [Entry(item=item, progress=progress[item.pk], known=False) for item in items]
