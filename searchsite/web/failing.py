"""What is answered when something breaks; and the id under which an answer and its log lines are found."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from searchsite.library import volumes

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


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for whatever was not caught, be it in a view or in what lies around the views.

    Neither the database nor anything that needs it may be asked here: no session, no user, no context processor.
    """
    error = sys.exc_info()[1]
    if (full := volumes.refusal_of(error)) is not None:
        return _answer(request, full.status, str(full))
    return _away(request) if _is_away(error) else _answer(request, 500, _("Something went wrong."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for a request that makes no sense; a session that could not be kept looks like one, too."""
    return _away(request) if _is_away(exception) else defaults.bad_request(request, exception)


def _is_away(error: BaseException | None) -> bool:
    """Whether the database set this off."""
    while error is not None and not isinstance(error, OperationalError | InterfaceError):
        error = error.__cause__ or error.__context__
    return error is not None


def _away(request: HttpRequest) -> HttpResponse:
    response = _answer(request, 503, _("The database does not answer just now. Please try again in a moment."))
    response["Retry-After"] = RETRY_SECONDS
    return response


def _answer(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        response = HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=status)
    else:
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        response = HttpResponse(render_to_string(f"{status}.html", {"request_id": request_id}), status=status)
    response["Cache-Control"] = "no-store"
    return response
