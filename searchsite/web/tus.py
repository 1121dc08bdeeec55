"""Resumable uploads by the tus protocol, 1.0.0: core, creation (with upload), termination, expiration.

Errors are answered with their bare sentence; to our own script the last piece is answered with the item's entry.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext as _

from searchsite.jobs.models import Lane
from searchsite.library import intake, uploads
from searchsite.library.models import Upload
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from searchsite.web import entries
from searchsite.web.doors import MemberRequest, patient
from searchsite.web.ids import parsed

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration"
PIECE_TYPE = "application/offset+octet-stream"
# More digits than any size needs; beyond some thousands, Python refuses to read a number.
MOST_DIGITS = 18
View = Callable[..., HttpResponse]


def _door(*methods: str) -> Callable[[View], View]:
    """Let members in who speak the protocol; answer a refusal with its sentence."""

    def wrap(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                response = _admitted(request, methods) or view(request, *args, **kwargs)
            except Refusal as refusal:
                response = patient(_sentence(str(refusal), refusal.status), refusal)
            response["Tus-Resumable"] = VERSION
            response["Cache-Control"] = "no-store"
            return response

        return door

    return wrap


def _admitted(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse | None:
    """What is wrong with the request before anybody looks at what it asks for."""
    if not request.user.is_authenticated:
        return _sentence(_("Your session has ended. Sign in again."), 401)
    if not getattr(request, "membership", None):
        return _sentence(_("You are not in a team yet."), 403)
    if _method(request) not in (*methods, "OPTIONS"):
        response = _sentence(_("This is not done here."), 405)
        response["Allow"] = ", ".join((*methods, "OPTIONS"))
        return response
    if _method(request) != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        response = _sentence(_("This is not version 1.0.0 of the tus protocol."), 412)
        response["Tus-Version"] = VERSION
        return response
    return None


@_door("POST")
def creation(request: MemberRequest) -> HttpResponse:
    """Begin an upload, perhaps with its first piece."""
    if _method(request) == "OPTIONS":
        return _abilities()
    size = _number(request, "Upload-Length")
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    scope = scope_for(request.user, request.membership.team_id)
    place = intake.place_for(scope, _uuid(told.get("collection", "")), lane=Lane.WAITING)
    upload = uploads.create(told.get("filename", ""), size, into=place)
    response = _with_first_piece(request, upload)
    response.status_code = 201
    response["Location"] = reverse("tus-upload", args=[upload.public_id])
    return response


@_door("HEAD", "PATCH", "POST", "DELETE")
def upload(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Tell how far an upload is, take its next piece, answer once more what became of it, or forget it."""
    if _method(request) == "OPTIONS":
        return _abilities()
    known = uploads.find(public_id, request.user)
    if known is None:
        raise Refusal(_("There is no such upload."), code="missing", status=404)
    match _method(request):
        case "HEAD":
            uploads.resume(known)
            return _standing(known, 200)
        case "PATCH":
            return _next_piece(request, known)
        case "POST":
            return _finished(request, known)
    uploads.cancel(known)
    return HttpResponse(status=204)


def _with_first_piece(request: MemberRequest, upload: Upload) -> HttpResponse:
    """A piece that breaks off here is lost: whoever sent it was never told where to go on."""
    try:
        if request.content_type == PIECE_TYPE:
            return _piece(request, upload, at=0)
        return _standing(upload, 201) if upload.size else _finished(request, upload)
    except (Refusal, UnreadablePostError):
        uploads.forget(upload)
        raise


def _next_piece(request: MemberRequest, upload: Upload) -> HttpResponse:
    if request.content_type != PIECE_TYPE:
        raise Refusal(_("A piece has the type application/offset+octet-stream."), code="type", status=415)
    try:
        return _piece(request, upload, at=_number(request, "Upload-Offset"))
    except UnreadablePostError:
        # The connection broke; what has arrived is kept.
        return _standing(upload, 400)


def _piece(request: MemberRequest, upload: Upload, *, at: int) -> HttpResponse:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdigit() and int(length) > upload.size - at >= 0:
        raise Refusal(_("The piece is longer than what is missing."), code="too-large", status=413)
    uploads.append(upload, request, at=at)
    return _finished(request, upload) if upload.offset == upload.size else _standing(upload, 204)


def _finished(request: MemberRequest, upload: Upload) -> HttpResponse:
    added = uploads.finish(upload)
    if not request.htmx:
        return _standing(upload, 204)
    return _stand(entries.added(request, added), upload)


def _standing(upload: Upload, status: int) -> HttpResponse:
    return _stand(HttpResponse(status=status), upload)


def _stand(response: HttpResponse, upload: Upload) -> HttpResponse:
    response["Upload-Offset"] = str(upload.offset)
    response["Upload-Length"] = str(upload.size)
    response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response


def _abilities() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Tus-Version"] = VERSION
    response["Tus-Extension"] = EXTENSIONS
    response["Tus-Max-Size"] = str(intake.most_bytes())
    return response


def _sentence(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)


def _method(request: HttpRequest) -> str:
    """The method; behind proxies that know few of them, a POST may name it."""
    named = request.headers.get("X-HTTP-Method-Override") if request.method == "POST" else None
    return (named or request.method or "").upper()


def _number(request: HttpRequest, name: str) -> int:
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit()):
        raise Refusal(_("%(header)s must be a number.") % {"header": name}, code="number", status=400)
    return int(value) if len(value) <= MOST_DIGITS else 10**MOST_DIGITS


def _metadata(header: str) -> dict[str, str]:
    """Pairs of a key and a base64 value. Raises Refusal (400)."""
    told = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            told[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise Refusal(_("Upload-Metadata is not base64."), code="metadata", status=400) from None
    return told


def _uuid(value: str) -> UUID | None:
    """A collection's id; none means the Inbox. What is none at all is a collection that nobody has."""
    return (parsed(value) or UUID(int=0)) if value else None
