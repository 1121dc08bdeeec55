"""What a page says after many items were changed: how many, which were left and why, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import ngettext

from searchsite.library import bulk
from searchsite.library.bulk import Outcome
from searchsite.library.models import Item
from searchsite.library.numbers import grouped
from searchsite.web import chosen
from searchsite.web.chosen import Chosen
from searchsite.web.doors import MemberRequest

LISTED = 50


def answer(
    request: MemberRequest, said: str, outcome: Outcome, *, of: Chosen | None = None, undo: str = ""
) -> HttpResponseBase:
    """Say what came of it: a piece of the page for a script, else a message on the next page.

    said: the sentence of what was done. undo: what brings it back, `restore` or `move`.
    """
    reasons = reasons_of(outcome, missing=of.missing if of else 0)
    if not request.htmx:
        if outcome.done:
            messages.success(request, said)
        for reason in reasons:
            messages.warning(request, reason)
        return redirect(back(request))
    key = chosen.keep(request, "undo", {"verb": undo, "was": dict(outcome.done)}) if undo and outcome.done else ""
    left = {one.item_id for one in outcome.skipped}
    shown: dict[str, Any] = {
        "said": said if outcome.done else "",
        "reasons": reasons,
        "skipped": _listed(outcome.skipped),
        "more": max(0, len(outcome.skipped) - LISTED),
        "left": Item.objects.visible_to(request.scope).filter(pk__in=left).values_list("public_id", flat=True),
        "undo_key": key,
    }
    return render(request, "selection/_outcome.html", shown)


def reasons_of(outcome: Outcome, *, missing: int = 0) -> list[str]:
    """Why some were left, one sentence a reason."""
    counts = dict(outcome.reasons)
    if missing:
        counts["gone"] = counts.get("gone", 0) + missing
    return [
        ngettext("%(number)s skipped: %(reason)s.", "%(number)s skipped: %(reason)s.", number)
        % {"number": grouped(number), "reason": bulk.reason_of(why)}
        for why, number in counts.items()
    ]


def back(request: MemberRequest) -> str:
    """Where the person came from, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("home")


def _listed(skipped: Iterable[bulk.Skipped]) -> list[tuple[str, str]]:
    named = [(one.title, bulk.reason_of(one.why)) for one in skipped if one.title]
    return named[:LISTED]
