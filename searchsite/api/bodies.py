"""Reads request bodies: JSON strictly, and forms with exactly one file."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from ninja.errors import ValidationError
from ninja.parser import Parser
from pydantic import ValidationError as Invalid

from searchsite.api.inputs import Strict
from searchsite.api.problems import Problem

Shape = TypeVar("Shape", bound=Strict)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse(body: bytes) -> Any:
    """Read JSON; NaN and Infinity are not JSON. A body that is not, or is nested too deep, is a problem."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not valid JSON.", code="bad-json") from None


class StrictParser(Parser):
    """Gives operations with a declared body the same strictness."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the JSON of the body."""
        return parse(request.body)


def read_json(request: HttpRequest, shape: type[Shape]) -> Shape:
    """Read a JSON body of that shape."""
    return _checked(shape, parse(request.body), "body")


def form(**fields: dict[str, str]) -> dict[str, Any]:
    """Describe a form that carries one file, and fields, for the API's own description."""
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"multipart/form-data": {"schema": schema}}


def read_form(request: HttpRequest, shape: type[Shape]) -> tuple[UploadedFile, Shape]:
    """Read a form that carries one file in `file`, and fields of that shape; an empty field counts as not given."""
    files = [file for name in request.FILES for file in request.FILES.getlist(name)]
    if len(files) != 1 or "file" not in request.FILES:
        raise Problem(422, "Send exactly one file, in the form field “file”.", code="one-file")
    fields = {name: value for name, value in request.POST.items() if value}
    return files[0], _checked(shape, fields, "form")


def _checked(shape: type[Shape], data: Any, where: str) -> Shape:
    try:
        return shape.model_validate(data)
    except Invalid as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise ValidationError([dict(fault) | {"loc": (where, *fault["loc"])} for fault in faults]) from None
