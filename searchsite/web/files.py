"""Serves originals, derivatives and query pictures: through the scope, with their exact type, and inert."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import IO, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date, parse_etags
from django.views.decorators.http import require_safe

from searchsite.accounts import sessions, tokens
from searchsite.library import files, notes, pictures, trash
from searchsite.library.formats import FORMATS
from searchsite.library.models import Item
from searchsite.library.scope import Scope, renewed, scope_for
from searchsite.web import downloads, limiting
from searchsite.web.unchanged import CACHED, VARY, etag_of, sparing
from searchsite.web.watching import Section, Still

# Shown by browsers; everything else is downloaded.
SHOWN = {one.media_type for one in FORMATS if one.shown}
EXTENSIONS = {one.media_type: f".{one.names[0]}" for one in FORMATS} | {"text/plain": ".txt", "text/markdown": ".md"}
# One range. Several, or nonsense, are answered with the whole file, as the standard allows.
RANGE = re.compile(r"bytes=(?=\d|-\d)(\d{0,18})-(\d{0,18})")

P = ParamSpec("P")
ScopedView = Callable[Concatenate[HttpRequest, Scope, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True)
class Served:
    """One file to be served. `still`: asked while it is on its way, whether its reader may have the rest.

    `modified`: when its item was put in. The file's own date would tell that another team has the same bytes.
    """

    path: Path
    media_type: str
    name: str
    etag: str
    modified: datetime
    still: Still | None = None
    shared_for: int | None = None
    """Seconds for which any cache may keep it and any page show it; None: it is for who asks alone."""


def scoped(view: ScopedView[P]) -> View[P]:
    """Let in by session, or by a Bearer token that may read."""

    @require_safe
    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        authorization = request.headers.get("Authorization", "")
        if authorization:
            found = _scope_of_token(request, authorization)
            if isinstance(found, HttpResponse):
                return found
            return downloads.counted(view(request, found, *args, **kwargs), found.user_id)
        membership = getattr(request, "membership", None)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not membership:
            raise Http404
        scope = scope_for(membership.user, membership.team_id)
        return downloads.counted(view(request, scope, *args, **kwargs), scope.user_id)

    # For `limiting`, which leaves the count of a token to it.
    door.takes_a_token = True  # type: ignore[attr-defined]
    return door


@sparing
@scoped
def file(request: HttpRequest, scope: Scope, public_id: UUID) -> HttpResponseBase:
    """The file as it was put in. A note has none: its words come as one."""
    item = _item(scope, public_id)
    return _note(item) if item.blob is None else original(request, item, still=partial(_still, request, scope, item.pk))


@sparing
@scoped
def thumbnail(request: HttpRequest, scope: Scope, public_id: UUID, size: int) -> HttpResponseBase:
    """One of the fixed derivatives; 404 for any other size, and until the picture is decoded."""
    return derivative(request, _item(scope, public_id), size)


@scoped
def trashed_thumbnail(request: HttpRequest, scope: Scope, public_id: UUID) -> HttpResponseBase:
    """The thumbnail of an item in the trash, for who may take it back."""
    item = trash.restorable(scope).select_related("blob").defer("title_search").filter(public_id=public_id).first()
    if item is None:
        raise Http404
    return derivative(request, item, files.THUMBNAIL)


@scoped
def query_picture(request: HttpRequest, scope: Scope, public_id: UUID) -> HttpResponseBase:
    """A picture that the same person searches by."""
    picture = pictures.find(public_id, scope)
    if picture is None:
        raise Http404
    path, blob = files.original_path(picture.blob), picture.blob
    return _serve(request, Served(path, blob.media_type, "picture.webp", etag_of(blob.sha256), picture.created_at))


def _scope_of_token(request: HttpRequest, authorization: str) -> Scope | HttpResponse:
    kind, _, secret = authorization.partition(" ")
    token = tokens.check_token(secret.strip()) if kind.lower() == "bearer" else None
    if token is None:
        # Counted as a visit of its address, by the middleware.
        refused = HttpResponse("This token is not valid.\n", content_type="text/plain; charset=utf-8", status=401)
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    limiting.spend_of_token(request, token.pk)
    request.token = token.pk  # type: ignore[attr-defined]
    if "read" not in token.scope_names:
        return HttpResponse("This token may not read.\n", content_type="text/plain; charset=utf-8", status=403)
    return scope_for(token.user, token.team)


def _item(scope: Scope, public_id: UUID) -> Item:
    found = Item.objects.visible_to(scope).select_related("blob").defer("title_search").filter(public_id=public_id)
    item = found.first()
    if item is None:
        raise Http404
    return item


def _still(request: HttpRequest, scope: Scope, item_id: int) -> bool:
    """Whether whoever asked for an item's file is still let in, and may still see it."""
    token = getattr(request, "token", None)
    in_still = sessions.lasts(request.session.session_key or "") if token is None else tokens.is_live(token)
    return in_still and Item.objects.visible_to(renewed(scope)).filter(pk=item_id).exists()


def original(
    request: HttpRequest, item: Item, *, still: Still | None = None, shared_for: int | None = None
) -> HttpResponseBase:
    """The file of an item that may be seen."""
    if item.blob is None:
        raise Http404
    blob = item.blob
    name = item.title + EXTENSIONS.get(blob.media_type.partition(";")[0], "")
    path = files.original_path(blob)
    etag = etag_of(blob.sha256)
    return _serve(request, Served(path, blob.media_type, name, etag, item.created_at, still, shared_for))


def derivative(request: HttpRequest, item: Item, size: int, *, shared_for: int | None = None) -> HttpResponseBase:
    """One of the fixed derivatives of an item that may be seen."""
    if item.blob is None or size not in files.SIZES or item.width is None:
        raise Http404
    etag = etag_of(item.blob.sha256, size)
    path = files.derivative_path(item.blob, size)
    name = f"{item.title}.webp"
    return _serve(request, Served(path, files.DERIVATIVE_TYPE, name, etag, item.created_at, shared_for=shared_for))


def _note(item: Item) -> HttpResponse:
    response = HttpResponse(notes.text_of(item), content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{item.title}.md") or "attachment"
    response["Cache-Control"] = CACHED
    return response


def _serve(request: HttpRequest, served: Served) -> HttpResponseBase:
    """Answer with the whole file, a range of it, or that nothing changed."""
    etag = served.etag
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or etag in known or f"W/{etag}" in known:
        return _dressed(HttpResponse(status=304), served)
    try:
        opened = served.path.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    size = os.fstat(opened.fileno()).st_size
    modified = http_date(served.modified.timestamp())
    asked = request.headers.get("Range") if request.headers.get("If-Range", etag) in (etag, modified) else None
    response = _body(opened, size, asked, served.still)
    response["Last-Modified"] = modified
    return _dressed(response, served)


def _body(opened: IO[bytes], size: int, asked: str | None, still: Still | None = None) -> HttpResponseBase:
    match = RANGE.fullmatch(asked.strip()) if asked else None
    first, end = _range(match, size) if match else (0, size)
    if match and first >= end:
        opened.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    opened.seek(first)
    response = StreamingHttpResponse(Section(opened, end - first, still), status=206 if match else 200)
    if match:
        response["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    response["Content-Length"] = str(end - first)
    return response


def _range(match: re.Match[str], size: int) -> tuple[int, int]:
    """Return where the range begins and ends; nothing lies between when it is outside the file."""
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _dressed(response: HttpResponseBase, served: Served) -> HttpResponseBase:
    shown = served.media_type in SHOWN
    # A text in another encoding than UTF-8 says so itself.
    unsaid = served.media_type in ("text/plain", "text/markdown")
    response["Content-Type"] = f"{served.media_type}; charset=utf-8" if unsaid else served.media_type
    response["Content-Disposition"] = content_disposition_header(not shown, served.name) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    if served.shared_for is None:
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Cache-Control"] = CACHED
        response["Vary"] = VARY
    else:
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
        response["Cache-Control"] = f"public, max-age={served.shared_for}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = served.etag
    return response
