"""The page of copies: the best of each group is kept with the tags of all, or the group is said to be none."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.library import duplicates
from searchsite.library.models import Item
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.quality import judging
from searchsite.search import reviewing
from searchsite.web import chosen
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed

ON_A_PAGE = 10
UNDO = "duplicates-undo"


@in_team("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Show the groups that the person may change, those with the newest item first."""
    number = _number(request.GET.get("page", ""))
    found = reviewing.review(request.scope, first=(number - 1) * ON_A_PAGE, number=ON_A_PAGE)
    if not found.groups and number > 1:
        return redirect("duplicates")
    shown = Paginator(range(found.total), ON_A_PAGE).get_page(number)
    undo = request.session.pop(UNDO, None)
    return render(
        request,
        "duplicates/page.html",
        {"groups": found.groups, "total": found.total, "page": shown, "undo_copies": undo},
    )


@in_team("POST")
def keep(request: MemberRequest) -> HttpResponseBase:
    """Keep one of a group with the tags of all, and throw the others away."""
    best = parsed(request.POST.get("keep", ""))
    try:
        known = _known(request)
        if best is None or best not in known:
            raise Refusal(_("Choose the one to keep, among others."), code="nothing-selected")
        others = [pk for public_id, pk in known.items() if public_id != best]
        with transaction.atomic():
            done = duplicates.keep_best(known[best], others, scope=request.scope)
            judging.hand_on(others, known[best])
    except Refusal as refusal:
        return _back(request, refusal)
    number = len(done)
    said = ngettext(
        "Kept the best; %(number)s copy is in the trash.", "Kept the best; %(number)s copies are in the trash.", number
    )
    key = chosen.keep(request, "undo", {"verb": "restore", "was": done})
    request.session[UNDO] = {"key": key, "said": said % {"number": grouped(number)}}
    return _back(request)


@in_team("POST")
def apart(request: MemberRequest) -> HttpResponseBase:
    """Remember that the items of a group are different."""
    try:
        duplicates.keep_apart(_known(request).values(), scope=request.scope)
    except Refusal as refusal:
        return _back(request, refusal)
    messages.success(request, _("They are kept apart, and not offered again."))
    return _back(request)


def _known(request: MemberRequest) -> dict[UUID, int]:
    """The items that the form names, by their public ids. Raises Refusal where one of them is not there any more."""
    named = [public_id for value in request.POST.getlist("id")[:100] if (public_id := parsed(value)) is not None]
    rows = Item.objects.visible_to(request.scope).filter(public_id__in=named)
    found: Sequence[tuple[UUID, int]] = list(rows.values_list("public_id", "pk"))
    if len(found) < len(set(named)):
        raise duplicates.gone()
    return dict(found)


def _back(request: MemberRequest, refusal: Refusal | None = None) -> HttpResponseBase:
    """To the same page of the list, with what went wrong."""
    if refusal is not None:
        messages.warning(request, str(refusal))
    number = _number(request.POST.get("page", ""))
    return redirect(reverse("duplicates") + (f"?{urlencode({'page': number})}" if number > 1 else ""))


def _number(value: str) -> int:
    return max(1, int(value)) if value.isascii() and value.isdigit() and len(value) < 6 else 1
