"""Downloads of many items as one zip, sent while it is made: neither memory nor disk ever holds it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import structlog
from django.conf import settings
from django.http import JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from zipstream import ZipStream

from searchsite.accounts import audit, sessions
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.web import chosen, zipping
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.pace import Pace

log = structlog.get_logger()
RETRY_SECONDS = 30


class TooSlow(Exception):
    """The zip was read too slowly or took too long, and was broken off."""


class _Later(Refusal):
    """There is no place for a zip yet."""

    retry_after = RETRY_SECONDS


class _Slots:
    """Who is sent a zip by this process: each holds a thread for as long as it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, Pace] = {}

    def take(self, person: int, most: int) -> Pace:
        """Give the person a place. One that has stood still is free again. Raises Refusal."""
        now = time.monotonic()
        with self._lock:
            self._held = {one: pace for one, pace in self._held.items() if not pace.is_over(now)}
            if person in self._held:
                message = _("Your last zip is still on its way. When it is there or stopped, you can have the next.")
                raise _Later(message, code="one-zip", status=429)
            if len(self._held) >= most:
                message = _("As many zips as this server sends at a time are on their way. Try again in a moment.")
                raise _Later(message, code="too-many-zips", status=503)
            pace = self._held[person] = Pace(now, now + settings.CONFIG.zip_hours * 3600)
        return pace

    def free(self, person: int, pace: Pace) -> None:
        with self._lock:
            if self._held.get(person) is pace:
                del self._held[person]


_slots = _Slots()


class _Sending:
    """The bytes of a zip on their way. The slot is free again when the server closes it, whoever went away."""

    def __init__(self, zipped: ZipStream, person: int, pace: Pace) -> None:
        self._pieces: Iterator[bytes] = iter(zipped)
        self._person, self._pace = person, pace

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._pace.is_over(time.monotonic()):
            log.info("zip broken off", user=self._person, reason="it was read too slowly or took too long")
            self.close()
            raise TooSlow
        piece = next(self._pieces)
        self._pace.count(len(piece), time.monotonic())
        return piece

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        _slots.free(self._person, self._pace)


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
    pace = _slots.take(request.user.pk, settings.CONFIG.zip_streams)
    try:
        signed_in = partial(sessions.lasts, request.session.session_key or "")
        zipped = zipping.stream(contents, request.scope, let_in=signed_in)
        sending = _Sending(zipped, request.user.pk, pace)
        audit.note(audit.Action.EXPORTED, ("zip", ""), items=len(ids))
    except BaseException:
        _slots.free(request.user.pk, pace)
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
        values = {"number": grouped(asked), "most": grouped(config.zip_items)}
        raise Refusal(message % values, code="too-many", status=413)
    if contents.size > config.zip_bytes:
        message = _("These files have %(size)s together, and a zip holds at most %(most)s. Select fewer.")
        sizes = {"size": filesizeformat(contents.size), "most": filesizeformat(config.zip_bytes)}
        raise Refusal(message % sizes, code="too-large", status=413)
    if not contents.entries:
        raise Refusal(_("None of these items has a file that could be downloaded."), code="nothing-there", status=404)
