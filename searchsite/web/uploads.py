"""The upload page: the list of the script's uploads, files from the plain form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite.accounts import rates
from searchsite.indexing import stages
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library import uploads as resumable
from searchsite.library.files import megabytes
from searchsite.library.intake import Added, Place
from searchsite.library.models import Collection
from searchsite.library.refusals import Refusal
from searchsite.web import entries, limiting
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed
from searchsite.web.seen import writable


@in_team("GET", "POST")
def upload(request: MemberRequest) -> HttpResponseBase:
    """Show the upload page, or take the files in."""
    if not request.scope.writable_ids and not request.membership.may_edit:
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "upload/page.html", _page(request))
    place = _place(request)
    files = request.FILES.getlist("file")
    if not files:
        raise Refusal(_("No file came with the request."), code="missing")
    if request.htmx:
        return _one(request, files[0], place)
    if len(files) > 1:
        # The request itself was counted as one.
        limiting.spend(request, rates.UPLOADS, len(files) - 1)
    return _all(request, files, place)


@in_team("GET")
def progress(request: MemberRequest) -> HttpResponseBase:
    """Show the entries of these items as they are now; the page asks until they are finished."""
    return render(request, "upload/_progress.html", {"entries": _entries(request)})


@in_team("POST")
def again(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Try all again that failed for one item of the list."""
    item = writable(request.scope, public_id)
    stages.retry(item)
    if request.htmx:
        return entries.added(request, Added(item, created=True))
    return redirect("item", public_id)


@in_team("POST")
def discard(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Forget an upload that broke off."""
    upload = resumable.find(public_id, request.user)
    if upload is None:
        raise Http404
    resumable.cancel(upload)
    messages.success(request, _("“%(name)s” is discarded.") % {"name": upload.name})
    return redirect("upload")


def _page(request: MemberRequest) -> dict[str, Any]:
    writable = Collection.objects.filter(id__in=request.scope.writable_ids).order_by("-purpose", "name")
    return {
        "upload_page": True,
        "places": writable,
        "chosen": request.GET.get("collection", ""),
        "entries": _entries(request),
        "unfinished": resumable.unfinished(request.scope)[: entries.LISTED],
        "max_mb": settings.CONFIG.max_file_bytes // 2**20,
        "max_text_mb": megabytes(settings.CONFIG.max_text_bytes),
    }


def _place(request: MemberRequest) -> Place:
    return intake.place_for(request.scope, parsed(request.POST.get("collection", "")), lane=Lane.WAITING)


def _one(request: MemberRequest, file: UploadedFile, place: Place) -> HttpResponseBase:
    added = intake.add_file(file, file.name or "", into=place)
    response = entries.added(request, added)
    response.status_code = 201 if added.created else 200
    return response


def _all(request: MemberRequest, files: Sequence[UploadedFile], place: Place) -> HttpResponseBase:
    kept: list[str] = []
    for file in files:
        try:
            added = intake.add_file(file, file.name or "", into=place)
        except Refusal as refusal:
            messages.error(request, f"{file.name}: {refusal}")
        else:
            kept.append(str(added.item.public_id))
            if not added.created:
                messages.warning(request, _("%(name)s is already here.") % {"name": file.name})
    return redirect(f"{request.path}?{urlencode({'id': kept[: entries.LISTED]}, doseq=True)}")


def _entries(request: MemberRequest) -> list[entries.Entry]:
    return entries.listed(request.scope, _ids(request))


def _ids(request: MemberRequest) -> list[UUID]:
    return [one for one in map(parsed, request.GET.getlist("id")[: entries.LISTED]) if one]
