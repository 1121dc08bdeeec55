"""The last word on answers under /api/: what Django itself refuses is a problem too, never a page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from searchsite.api import problems

PREFIX = "/api/"


class Problems:
    """Rewrites error pages under /api/ (unknown address, wrong method, broken request) as problem JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX) or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith(problems.MEDIA_TYPE):
            return response
        # What lies before the views may have said why, in a sentence.
        said = getattr(response, "sentence", "")
        told = problems.answer(problems.Problem(response.status_code, said))
        for header in ("Allow", "Retry-After"):
            if header in response.headers:
                told[header] = response.headers[header]
        return told

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for views of the API that are not operations."""
        return problems.handle(request, error) if request.path.startswith(PREFIX) else None
