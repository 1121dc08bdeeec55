"""Notes: written, written anew, and looked at before they are kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite.jobs.models import Lane
from searchsite.library import intake, notes
from searchsite.library.models import Collection, Item
from searchsite.library.notes import Draft
from searchsite.library.refusals import Refusal
from searchsite.web import around, markdown
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed
from searchsite.web.seen import writable


@in_team("GET", "POST")
def new(request: MemberRequest) -> HttpResponseBase:
    """Show an empty page to write on, or keep the note."""
    if not request.scope.writable_ids and not request.membership.may_edit:
        raise PermissionDenied
    if request.method != "POST":
        return _editor(request, Draft(request.GET.get("title", ""), ""))
    draft = _draft(request)
    try:
        place = intake.place_for(request.scope, parsed(request.POST.get("collection", "")), lane=Lane.WAITING)
        added = intake.add_text(draft.text, title=draft.title.strip() or None, into=place)
    except Refusal as refusal:
        return _editor(request, draft, refusal=refusal)
    messages.success(request, _("The note is kept."))
    return redirect("item", added.item.public_id)


@in_team("GET", "POST")
def edit(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show the note to be written anew, or write it. What somebody else wrote meanwhile is shown beside."""
    item = writable(request.scope, public_id)
    if not notes.is_note(item):
        raise Http404(_("Nothing here."))
    if request.method != "POST":
        now = notes.read(item)
        return _editor(request, Draft(now.title, now.text, now.version), item=item)
    draft = _draft(request)
    try:
        notes.rewrite(item, draft, scope=request.scope)
    except Refusal as refusal:
        return _editor(request, draft, item=item, refusal=refusal)
    messages.success(request, _("The note is saved."))
    listed = around.asked(request)
    return redirect(around.address(public_id, listed.urlencode() if listed is not None else None))


@in_team("POST")
def preview(request: MemberRequest) -> HttpResponseBase:
    """Show what a note will look like."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    return render(request, "notes/_preview.html", {"rendered": markdown.rendered(text, request.scope)})


def _draft(request: MemberRequest) -> Draft:
    return Draft(request.POST.get("title", ""), request.POST.get("text", ""), request.POST.get("base") or None)


def _editor(
    request: MemberRequest, draft: Draft, *, item: Item | None = None, refusal: Refusal | None = None
) -> HttpResponseBase:
    listed = around.asked(request)
    theirs = refusal.now if isinstance(refusal, notes.Changed) else None
    page: dict[str, Any] = {
        "item": item,
        "title": draft.title,
        "text": draft.text.replace("\r\n", "\n"),
        "base": theirs.version if theirs else draft.base or "",
        "rendered": markdown.rendered(draft.text.replace("\r\n", "\n"), request.scope),
        "refusal": refusal,
        "theirs": theirs,
        "places": []
        if item
        else Collection.objects.filter(id__in=request.scope.writable_ids).order_by("-purpose", "name"),
        "chosen": request.POST.get("collection", request.GET.get("collection", "")),
        "most": settings.CONFIG.max_text_bytes,
        "list_query": listed.urlencode() if listed is not None else None,
        "own_files": True,
    }
    return render(request, "notes/editor.html", page, status=refusal.status if refusal else 200)
