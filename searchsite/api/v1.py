"""The API, version 1, put together."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema

from searchsite.api import answering, bodies, items, jobs, judging, places, problems, schemas, searching, usage

PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "No valid token.",
    "403": "The token or the role does not allow it.",
    "404": "Nothing there, or nothing of yours.",
    "409": "Another request is in the way.",
    "413": "Too large.",
    "415": "Not this content type.",
    "422": "A value is not taken.",
    "429": "Too much in a short time; Retry-After says when to come back.",
    "503": "Not just now; Retry-After says when to come back.",
    "default": "Any other refusal.",
}


class Api(NinjaAPI):
    """Adds to the description that every refusal is a problem."""

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        """Describe the API."""
        schema = super().get_openapi_schema(**where)
        described = schemas.Problem.model_json_schema()
        schema["components"]["schemas"]["Problem"] = described
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        refused = {status: {"description": words, "content": content} for status, words in PROBLEMS.items()}
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"] = {str(code): one for code, one in operation["responses"].items()} | refused
        return schema

    def get_openapi_operation_id(self, operation: Any) -> str:
        """The plain name of the verb."""
        return str(operation.view_func.__name__)


def build(*routers: Router) -> Api:
    """Put the routers together under one address."""
    api = Api(
        title="searchsite API",
        version="1",
        description="Put images, screenshots and texts in, and find them by meaning. Send a token with every call:"
        " Authorization: Bearer ss_... `manage.py create_token` makes one, and so does the admin, under Tokens."
        " Errors are problem JSON (RFC 9457).",
        openapi_url=None,
        docs_url=None,
        urls_namespace="api:v1",
        parser=bodies.StrictParser(),
    )
    for router in routers:
        api.add_router("", router)
    problems.speak_for(api)
    return api


api = build(
    items.router,
    searching.router,
    answering.router,
    judging.router,
    places.router,
    jobs.router,
    usage.router,
)
