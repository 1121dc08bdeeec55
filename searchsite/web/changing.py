"""What people change on the page of one item. A script gets the changed part of the page, a form the page anew."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from searchsite.indexing import plan, stages
from searchsite.library import edits, trash
from searchsite.web import around, items
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.seen import writable


@in_team("POST")
def rename(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Give the item another title."""
    edits.rename(writable(request.scope, public_id), request.POST.get("title", ""), scope=request.scope)
    return _done(request, public_id, _("The title is saved."))


@in_team("POST")
def caption(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Say in one's own words what the picture shows."""
    edits.set_caption(writable(request.scope, public_id), request.POST.get("caption", ""), scope=request.scope)
    return _done(request, public_id, _("The caption is saved."))


@in_team("POST")
def picture_text(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Say what stands in the picture."""
    edits.set_text(writable(request.scope, public_id), request.POST.get("text", ""), scope=request.scope)
    return _done(request, public_id, _("The text is saved."))


@in_team("POST")
def tag(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Put tags on the item, divided by commas; keep one that was suggested, or take one off."""
    shown = writable(request.scope, public_id)
    # The field and the buttons of the tags are of one form: those leave alone what stands in the field.
    remove, keep = request.POST.getlist("remove"), request.POST.getlist("keep")
    add = keep if remove or keep else request.POST.get("add", "").split(",")
    edits.tag(shown, add=add, remove=remove, scope=request.scope)
    return _done(request, public_id, _("The tags are saved."))


@in_team("POST")
def set_kind(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Say whether the picture is a photo or a screenshot."""
    edits.set_kind(writable(request.scope, public_id), request.POST.get("kind", ""), scope=request.scope)
    return _done(request, public_id, _("The kind is saved."))


@in_team("POST")
def retry(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Try a failed stage again."""
    shown = writable(request.scope, public_id)
    kind = request.POST.get("stage", "")
    if kind not in plan.BATCH:
        return HttpResponse(_("There is no such stage."), content_type="text/plain; charset=utf-8", status=400)
    stages.retry(shown, kind)
    return _done(request, public_id, "")


@in_team("POST")
def discard(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Move the item to the trash, and go on to the next of the list; that page offers to take it back."""
    shown = writable(request.scope, public_id)
    listed = around.asked(request)
    beside = around.around(request, shown)
    trash.trash(shown, scope=request.scope)
    query = beside.query if listed is not None else None
    request.session["undo"] = {"id": str(public_id), "title": shown.title, "in": query, "days": trash.KEPT.days}
    on = (beside.next or beside.previous) if listed is not None else None
    return _go(request, on.url if on else beside.back if listed is not None else "/")


@in_team("POST")
def restore(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Take the item back out of the trash."""
    shown = trash.restorable(request.scope).filter(public_id=public_id).first()
    if shown is None:
        raise Http404(_("Nothing here."))
    trash.restore(shown, scope=request.scope)
    request.session.pop("undo", None)
    messages.success(request, _("“%(title)s” is back.") % {"title": shown.title})
    return _go(request, _address(request, public_id))


def _done(request: MemberRequest, public_id: UUID, sentence: str) -> HttpResponseBase:
    if request.htmx:
        return items.said_to_script(request, public_id, sentence)
    if sentence:
        messages.success(request, sentence)
    return redirect(_address(request, public_id))


def _address(request: MemberRequest, public_id: UUID) -> str:
    listed = around.asked(request)
    return around.address(public_id, listed.urlencode() if listed is not None else None)


def _go(request: MemberRequest, url: str) -> HttpResponseBase:
    """Lead on. A script is told where to, so that it leaves no address behind that leads to nothing."""
    return HttpResponse(status=204, headers={"Location": url}) if request.htmx else redirect(url)
