"""Downloads of many items as one zip, sent while it is made: neither memory nor disk ever holds it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from zipstream import ZipStream

from searchsite.library.refusals import Refusal
from searchsite.web import chosen, zipping
from searchsite.web.doors import MemberRequest, in_team, refused

RETRY_SECONDS = 30


class _Slots:
    """How many zips this process sends at a time: each holds a thread for as long as it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, most: int) -> bool:
        with self._lock:
            free = self._taken < most
            self._taken += free
        return free

    def free(self) -> None:
        with self._lock:
            self._taken -= 1


_slots = _Slots()


class _Sending:
    """The bytes of a zip on their way. The slot is free again when the server closes it, whoever went away."""

    def __init__(self, zipped: ZipStream) -> None:
        self._pieces: Iterator[bytes] = iter(zipped)
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        if self._open:
            self._open = False
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
            _slots.free()


@in_team("POST")
def prepare(request: MemberRequest) -> HttpResponseBase:
    """Look whether a zip of the selection can be had, and say where."""
    what = chosen.of(request)
    _check(zipping.contents_of(what.ids, request.scope), len(what.ids))
    address = reverse("selection-zip", args=[chosen.keep(request, "zip", {"ids": list(what.ids)})])
    return JsonResponse({"address": address}) if request.htmx else redirect(address)


@in_team("GET")
def download(request: MemberRequest, key: str) -> HttpResponseBase:
    """Send the zip. Only who asked for it finds it, for an hour."""
    ids = chosen.kept(request, "zip", key)["ids"]
    contents = zipping.contents_of(ids, request.scope)
    _check(contents, len(ids))
    if not _slots.take(settings.CONFIG.zip_streams):
        return _later(request)
    try:
        zipped = zipping.stream(contents, request.scope)
        sending = _Sending(zipped)
    except BaseException:
        _slots.free()
        raise
    response = StreamingHttpResponse(sending, content_type="application/zip")
    response["Content-Length"] = str(len(zipped))
    response["Content-Disposition"] = f'attachment; filename="searchsite-{timezone.localdate():%Y-%m-%d}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _check(contents: zipping.Contents, asked: int) -> None:
    config = settings.CONFIG
    if asked > config.zip_items:
        message = _("These are %(number)s items, and a zip holds at most %(most)s. Select fewer.")
        values = {"number": f"{asked:,}", "most": f"{config.zip_items:,}"}
        raise Refusal(message % values, code="too-many", status=413)
    if contents.size > config.zip_bytes:
        message = _("These files have %(size)s together, and a zip holds at most %(most)s. Select fewer.")
        sizes = {"size": filesizeformat(contents.size), "most": filesizeformat(config.zip_bytes)}
        raise Refusal(message % sizes, code="too-large", status=413)
    if not contents.entries:
        raise Refusal(_("None of these items has a file that could be downloaded."), code="nothing-there", status=404)


def _later(request: MemberRequest) -> HttpResponse:
    message = _("As many zips as this server sends at a time are on their way. Try again in a moment.")
    response = refused(request, Refusal(message, code="too-many-zips", status=503))
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
