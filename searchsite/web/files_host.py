"""The host that shows files by signed addresses: nothing else is there, nobody is known there, nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from searchsite.config import Config
from searchsite.library import signing
from searchsite.library.models import Item
from searchsite.web import downloads, files, incoming


class FilesHost:
    """Answers for FILES_URL's host, before there is a session, a cookie or a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.FILES_URL or not _is_asked(request):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return _said(405, "Files are only shown here.")
        if incoming.is_cut(request.META):
            return _later(_said(503, "This server is busy. Try again in a moment."), 5)
        try:
            return downloads.counted(_file(request), downloads.NOBODY)
        except downloads.TooMany as full:
            return _later(_said(full.status, str(full)), full.retry_after)
        except signing.Expired:
            return _said(410, "This address has expired. Open the page anew.")
        except Http404:
            return _said(404, "Nothing here.")


def _is_asked(request: HttpRequest) -> bool:
    """Whether this host is asked, however its name is written: by any port, but where the site has the same name."""
    wanted = urlsplit(settings.FILES_URL)
    name, port = split_domain_port(request.get_host())
    if name != wanted.hostname:
        return False
    config: Config = settings.CONFIG
    shared = wanted.hostname in (*config.allowed_hosts, config.host)
    return not shared or port == (str(wanted.port) if wanted.port else "")


def _file(request: HttpRequest) -> HttpResponseBase:
    opened = signing.opened(request.path_info, time.time())
    if opened is None:
        raise Http404
    public_id, size = _resolved(opened.path)
    item = Item.objects.filter(trashed_at=None, public_id=public_id).select_related("blob").first()
    if item is None:
        raise Http404
    if size is None:
        return files.original(request, item, shared_for=opened.seconds)
    return files.derivative(request, item, size, shared_for=opened.seconds)


def _resolved(path: str) -> tuple[UUID, int | None]:
    """The item, and the size of a derivative; none for its file."""
    try:
        found = resolve(path, settings.ROOT_URLCONF)
    except Resolver404:
        raise Http404 from None
    if found.url_name not in ("file", "thumbnail"):
        raise Http404
    return found.kwargs["public_id"], found.kwargs.get("size")


def _later(answer: HttpResponse, seconds: int) -> HttpResponse:
    answer["Retry-After"] = str(seconds)
    return answer


def _said(status: int, words: str) -> HttpResponse:
    # nosemgrep: markup-of-pieces - it is plain text
    answer = HttpResponse(f"{words}\n", content_type="text/plain; charset=utf-8", status=status)
    answer["Cache-Control"] = "no-store"
    if status == 405:
        answer["Allow"] = "GET, HEAD"
    return answer
