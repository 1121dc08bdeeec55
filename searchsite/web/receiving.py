"""Bounds what a request may send before anything of it is read or kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

# A form of the plain page holds several files; one of the script holds one, and what goes with it.
FILES_IN_A_FORM = 4
FORM_ROOM = 1 << 20
# There a body is read only once its bearer token has been looked at.
API = "/api/"


class BodyLimit:
    """Refuses by Content-Length, before the check against forgery reads the form.

    It stands behind the middleware that says who asks, but asks that only about large requests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if not length.isdigit() or int(length) <= FORM_ROOM or int(length) <= _most(request):
            return self.get_response(request)
        if "HX-Request" in request.headers:
            sentence = _("This file is larger than %(most)d MB.") % {"most": settings.CONFIG.max_file_bytes >> 20}
            return HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=413)
        return render(request, "413.html", status=413)


class CappedFiles(FileUploadHandler):
    """Drops what a file has beyond the limit, so that the disk never holds it: intake then refuses what is left."""

    chunk_size = FileUploadHandler.chunk_size

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Start counting anew."""
        super().new_file(*args, **kwargs)
        self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Pass the chunk on to the handlers that keep it, or drop it."""
        if self.kept > settings.CONFIG.max_file_bytes:
            return None
        self.kept += len(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Leave the file to the handlers that kept it."""
        return None


def _most(request: HttpRequest) -> int:
    if not request.path.startswith(API) and not request.user.is_authenticated:
        return FORM_ROOM
    files = 1 if "HX-Request" in request.headers else FILES_IN_A_FORM
    return int(settings.CONFIG.max_file_bytes) * files + FORM_ROOM
