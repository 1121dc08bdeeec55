"""What is answered when something breaks; and the id under which an answer and its log lines are found."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from typing import cast

import structlog
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults
from psycopg.errors import LockNotAvailable, QueryCanceled

from searchsite.library import volumes
from searchsite.web import doors, incoming
from searchsite.web.receiving import API

RETRY_SECONDS = "5"


class RequestId:
    """Gives each request an id, in its log lines and on its answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class NoRoom:
    """Answers where there is no room for a request, or where the rest of it did not come."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if incoming.BUSY in request.META:
            return _busy(request)
        response = self.get_response(request)
        if incoming.BUSY in request.META:
            return _busy(request)
        return _late(request) if incoming.SLOW in request.META else response


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for whatever was not caught, be it in a view or in what lies around the views.

    Neither the database nor anything that needs it may be asked here: no session, no user, no context processor.
    """
    error = sys.exc_info()[1]
    if (full := volumes.refusal_of(error)) is not None:
        return _answer(request, full.status, str(full))
    away = _away_in(error)
    return _away(request, away) if away else _answer(request, 500, _("Something went wrong."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for a request that makes no sense; a session that could not be kept looks like one, too."""
    if (away := _away_in(exception)) is not None:
        return _away(request, away)
    if isinstance(exception, SessionInterrupted) and hasattr(request, "htmx") and not request.path.startswith(API):
        # Signed out in another window meanwhile.
        return doors.sign_in_first(cast(doors.MemberRequest, request))
    return defaults.bad_request(request, exception)


def _away_in(error: BaseException | None) -> BaseException | None:
    """What the database set off, where it did."""
    while error is not None and not isinstance(error, OperationalError | InterfaceError):
        error = error.__cause__ or error.__context__
    return error


def _away(request: HttpRequest, error: BaseException) -> HttpResponse:
    if isinstance(error.__cause__, QueryCanceled | LockNotAvailable):
        return _later(request, _("This took the database too long and was stopped. Ask for less, or try again."))
    return _later(request, "", _("The database does not answer just now. Please try again in a moment."))


def _busy(request: HttpRequest) -> HttpResponse:
    return _later(request, _("So much is asked of this server that it cannot take more. Try again in a moment."))


def _late(request: HttpRequest) -> HttpResponse:
    sentence = _("The rest of this request did not come in time. Try again with a better connection.")
    response = _answer(request, 408, sentence, sentence)
    response.sentence = sentence  # type: ignore[attr-defined]
    return response


def _later(request: HttpRequest, on_page: str, sentence: str = "") -> HttpResponse:
    """on_page: what the page says, where it is something else than that the database is away."""
    response = _answer(request, 503, sentence or on_page, on_page)
    response["Retry-After"] = RETRY_SECONDS
    # For the API, which tells it in its own form.
    response.sentence = on_page  # type: ignore[attr-defined]
    return response


def _answer(request: HttpRequest, status: int, sentence: str, on_page: str = "") -> HttpResponse:
    if "HX-Request" in request.headers:
        response = HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=status)
    else:
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        shown = {"request_id": request_id, "sentence": on_page}
        response = HttpResponse(render_to_string(f"{status}.html", shown), status=status)
    response["Cache-Control"] = "no-store"
    return response
