"""The trash: what lies there and for how long yet, the way back, and for the team's admins the way out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext

from searchsite.accounts.models import Role
from searchsite.library import bulk, trash
from searchsite.library.models import Item, ItemQuerySet
from searchsite.library.numbers import grouped
from searchsite.search.every import MOST
from searchsite.web import chosen, outcomes
from searchsite.web.doors import MemberRequest, in_team

ON_A_PAGE = 60
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Trashed:
    """One item in the trash. `place`: the collection it goes back to, empty when that is gone."""

    item: Item
    days: int
    place: str


@in_team("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Show what the person may take back, what was thrown away last first."""
    rows = trash.restorable(request.scope).select_related("trashed_from").defer("title_search")
    shown = Paginator(rows.order_by("-trashed_at", "-pk"), ON_A_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "trash/page.html",
        {
            "entries": [_trashed(item) for item in shown],
            "page": shown,
            "number": shown.paginator.count,
            "kept_days": trash.KEPT.days,
            "leads": request.membership.role == Role.ADMIN,
            "moment": timezone.now().isoformat(),
        },
    )


@in_team("POST")
def restore(request: MemberRequest) -> HttpResponseBase:
    """Put items back where they were."""
    outcome = bulk.restore_all(_chosen(request), scope=request.scope)
    number = len(outcome.done)
    said = ngettext("%(number)s item is back.", "%(number)s items are back.", number) % {"number": grouped(number)}
    if outcome.done:
        messages.success(request, said)
    for reason in outcomes.reasons_of(outcome):
        messages.warning(request, reason)
    return redirect("trash")


@in_team("POST")
def delete(request: MemberRequest) -> HttpResponseBase:
    """Delete items for good, now."""
    number = trash.delete_now(_chosen(request), scope=request.scope)
    said = ngettext("%(number)s item is deleted for good.", "%(number)s items are deleted for good.", number)
    messages.success(request, said % {"number": grouped(number)})
    return redirect("trash")


def _trashed(item: Item) -> Trashed:
    left = (item.trashed_at or timezone.now()) + trash.KEPT - timezone.now()
    return Trashed(item, max(0, math.ceil(left / DAY)), item.trashed_from.shown_name if item.trashed_from else "")


def _chosen(request: MemberRequest) -> list[int]:
    """One item by its own button, those that are ticked, or all that were there when the page was shown."""
    there: ItemQuerySet = trash.restorable(request.scope)
    if request.POST.get("all"):
        shown = there.filter(trashed_at__lte=chosen.moment(request.POST.get("until", "")) or timezone.now())
        return list(shown.order_by("-trashed_at", "-pk").values_list("pk", flat=True)[:MOST])
    return list(chosen.of(request, among=there).ids)
