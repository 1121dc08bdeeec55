"""The page of one item: the thing itself, what is known of it, how far its stages are, what is like it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite.indexing import stages
from searchsite.library import edits, trash
from searchsite.library.models import Item, PartRole
from searchsite.library.scope import Scope
from searchsite.search import find
from searchsite.search.questions import Question, Term
from searchsite.web import cards, sayings
from searchsite.web.doors import MemberRequest, in_team

ALIKE = 12


@in_team("GET")
def item(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show one item."""
    shown = visible(request.scope, public_id)
    facts = _facts(shown, request.scope)
    return render(request, "items/page.html", facts | {"alike": _alike(shown, request.scope, facts["progress"])})


@in_team("GET")
def live(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Show the part of the page that changes while the item is worked on; the page asks for it until then.

    What is like the item comes with the last answer alone: it costs a search.
    """
    shown = visible(request.scope, public_id)
    facts = _facts(shown, request.scope)
    if facts["progress"].status != "processing":
        facts |= {"last": True, "alike": _alike(shown, request.scope, facts["progress"])}
    return render(request, "items/_live.html", facts)


@in_team("POST")
def rename(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Give the item another title."""
    shown = writable(request.scope, public_id)
    edits.rename(shown, request.POST.get("title", ""), scope=request.scope)
    messages.success(request, _("The title is saved."))
    return redirect("item", public_id)


@in_team("POST")
def caption(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Say in one's own words what the picture shows."""
    edits.set_caption(writable(request.scope, public_id), request.POST.get("caption", ""), scope=request.scope)
    messages.success(request, _("The caption is saved."))
    return redirect("item", public_id)


@in_team("POST")
def picture_text(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Say what stands in the picture."""
    edits.set_text(writable(request.scope, public_id), request.POST.get("text", ""), scope=request.scope)
    messages.success(request, _("The text is saved."))
    return redirect("item", public_id)


@in_team("POST")
def retry(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Try a failed stage again."""
    shown = writable(request.scope, public_id)
    kind = request.POST.get("stage", "")
    if kind not in ("decode", "read", "caption", "embed"):
        return HttpResponse(_("There is no such stage."), content_type="text/plain; charset=utf-8", status=400)
    stages.retry(shown, kind)
    return redirect("item", public_id)


@in_team("POST")
def discard(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Move the item to the trash; the next page offers to take it back."""
    shown = writable(request.scope, public_id)
    trash.trash(shown, scope=request.scope)
    request.session["undo"] = {"id": str(public_id), "title": shown.title}
    return redirect("home")


@in_team("POST")
def restore(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Take the item back out of the trash."""
    shown = trash.restorable(request.scope).filter(public_id=public_id).first()
    if shown is None:
        raise Http404(_("Nothing here."))
    trash.restore(shown, scope=request.scope)
    request.session.pop("undo", None)
    messages.success(request, _("“%(title)s” is back.") % {"title": shown.title})
    return redirect("item", public_id)


def visible(scope: Scope, public_id: UUID) -> Item:
    """Return the item, or 404: what is missing and what is not shared look alike."""
    found = (
        Item.objects.visible_to(scope).select_related("collection", "blob", "created_by").filter(public_id=public_id)
    )
    one = found.first()
    if one is None:
        raise Http404(_("Nothing here."))
    return one


def writable(scope: Scope, public_id: UUID) -> Item:
    """Return the item if it may be changed: 404 when it is not visible, 403 when it is only that."""
    one = visible(scope, public_id)
    if one.collection_id not in scope.writable_ids:
        raise PermissionDenied
    return one


def _facts(item: Item, scope: Scope) -> dict[str, Any]:
    progress = stages.status_of([item])[item.pk]
    said, tags = sayings.of(item), list(item.item_tags.select_related("tag").order_by("-source", "id"))
    caption = said.get(PartRole.CAPTION, sayings.NOTHING)
    return {
        "item": item,
        "progress": progress,
        "may_edit": item.collection_id in scope.writable_ids,
        "tags": tags,
        "caption": caption,
        "alt": caption.text or ", ".join([item.title, *(one.tag.name for one in tags[:3])]),
        "ocr": said.get(PartRole.OCR, sayings.NOTHING),
        "text": said.get(PartRole.CONTENT, sayings.NOTHING).text,
        "depicts": sayings.depicted(item),
    }


def _alike(item: Item, scope: Scope, progress: stages.Progress) -> list[cards.Card]:
    if progress.stages["embed"].state != "done":
        return []
    results = find.find(Question(terms=(Term(item=item.public_id),), limit=ALIKE), scope)
    return cards.of_hits([hit for hit in results.hits if hit.item.id != item.public_id], "")
