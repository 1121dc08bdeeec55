"""Every refusal of the API in one form: problem details for HTTP (RFC 9457)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from psycopg.errors import LockNotAvailable, QueryCanceled

from searchsite.accounts import rates, turns
from searchsite.library import volumes
from searchsite.library.refusals import Refusal
from searchsite.search.questions import BadQuestion, NotFound

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
# One sentence for what is missing, what belongs to others and what never was, so that none can be told apart.
MISSING = "There is nothing at this address."
RETRY_SECONDS, PASSING = 5, (429, 503)
# Statements that took longer than they may, or that waited for another's lock.
CUT = (QueryCanceled, LockNotAvailable)
TOO_SLOW = "The database took too long over this and was stopped. Ask for less, or try again in a moment."
TOO_BIG = "The request is larger than this server accepts."
UNREADABLE = "The request could not be read."
SENTENCES = {
    400: UNREADABLE,
    401: "Send a valid token: Authorization: Bearer ss_...",
    403: "This is not allowed.",
    404: MISSING,
    405: "This address does not take that method.",
    413: TOO_BIG,
    415: "This address does not take that content type.",
    429: "Too much was asked in a short time. Try again in a moment.",
    500: "Something went wrong on our side; it has been written down under this request id.",
    503: "The database cannot be reached just now. Try again in a moment.",
}
CODES = {
    400: "bad-request",
    401: "unauthorised",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many",
    500: "internal",
    503: "unavailable",
}
PLAIN: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
    ((RequestDataTooBig, TooManyFilesSent, TooManyFieldsSent), 413),
    ((MultiPartParserError, UnreadablePostError, SuspiciousOperation), 400),
    ((Http404,), 404),
    ((InterfaceError,), 503),
)


class Problem(Exception):
    """A refusal with its status; `code` is a short word for programs, `detail` one sentence for people.

    `retry_after`: seconds after which trying again may help, where waiting does.
    """

    def __init__(self, status: int, detail: str = "", *, code: str = "", **more: Any) -> None:
        self.status, self.code, self.more = status, code, more
        self.retry_after = RETRY_SECONDS if status in PASSING else None
        self.detail = detail or SENTENCES.get(status, "")
        super().__init__(self.detail)


def answer(problem: Problem) -> HttpResponse:
    """Render a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code or CODES.get(problem.status, "error"),
    }
    response = JsonResponse(body | problem.more, status=problem.status, content_type=MEDIA_TYPE)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="searchsite"'
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


def problem_of(error: Exception) -> Problem | None:
    """Say which problem an exception is; None for a fault of our own."""
    match error:
        case Problem():
            return error
        case OSError() | Error() if (full := volumes.refusal_of(error)) is not None:
            return Problem(full.status, str(full), code=full.code)
        case Refusal():
            told = Problem(error.status, MISSING if error.status == 404 else str(error), code=error.code)
            return _later(told, getattr(error, "retry_after", told.retry_after))
        case rates.TooOften() | turns.TooMany():
            return _later(Problem(429, str(error)), error.retry_after)
        case OperationalError():
            return Problem(503, _of_database(error))
        case NotFound():
            return Problem(404)
        case BadQuestion():
            return Problem(400, str(error), code="bad-question")
        case ValidationError():
            return _invalid(error)
        case HttpError():
            return Problem(error.status_code, _spoken(error))
    # The first that fits: those that are too large are suspicious operations too.
    return next((Problem(status) for kinds, status in PLAIN if isinstance(error, kinds)), None)


def _later(problem: Problem, seconds: int | None) -> Problem:
    problem.retry_after = seconds
    return problem


def _of_database(error: OperationalError) -> str:
    return TOO_SLOW if isinstance(error.__cause__, CUT) else SENTENCES[503]


def _spoken(error: HttpError) -> str:
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return "The body is not valid JSON."
    return SENTENCES.get(error.status_code, str(error))


def _invalid(error: ValidationError) -> Problem:
    """Name each field that is wrong, without repeating what was sent."""
    faults = [
        {"location": ".".join(str(step) for step in fault["loc"] if step != "payload"), "message": fault["msg"]}
        for fault in error.errors[:20]
    ]
    first = faults[0]
    return Problem(422, f"{first['location']}: {first['message']}", errors=faults)


def unexpected(request: HttpRequest, error: Exception) -> Problem:
    """Write a fault of our own to the log under a request id, and say no more than that id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id") or uuid.uuid4().hex
    log.error("api fault", request_id=request_id, path=request.path, method=request.method, exc_info=error)
    return Problem(500, request_id=request_id)


def handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Turn any exception of an operation into its problem."""
    error = error() if isinstance(error, type) else error
    return answer(problem_of(error) or unexpected(request, error))


def speak_for(api: NinjaAPI) -> None:
    """Let the API answer every exception with a problem."""
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handle)
