"""The API's own page, drawn on the server from its OpenAPI description: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

Described = dict[str, Any]


def views_of(api: NinjaAPI) -> tuple[Any, Any]:
    """Return the views that show the description to programs and to people."""
    # To describe it takes half a second, and anybody may ask.
    described = cache(lambda: dict(api.get_openapi_schema()))
    shown = cache(lambda: page_of(described()))

    @require_safe
    def openapi(request: HttpRequest) -> HttpResponse:
        return JsonResponse(described())

    @require_safe
    def docs(request: HttpRequest) -> HttpResponse:
        return render(request, "api/docs.html", shown())

    return openapi, docs


def page_of(schema: Described) -> Described:
    """Return what the template shows."""
    shapes = schema["components"]["schemas"]
    operations = [
        _operation(path, method, said) for path, methods in schema["paths"].items() for method, said in methods.items()
    ]
    shown = [
        {"name": name, "about": one.get("description", ""), "fields": _fields(one)} for name, one in shapes.items()
    ]
    return {"info": schema["info"], "operations": operations, "shapes": sorted(shown, key=lambda one: one["name"])}


def _operation(path: str, method: str, said: Described) -> Described:
    content = said.get("requestBody", {}).get("content", {})
    return {
        "anchor": said["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": said["summary"],
        "about": said.get("description", ""),
        "parameters": [_parameter(one) for one in said.get("parameters", [])],
        "bodies": [_body(media_type, one["schema"]) for media_type, one in content.items()],
        "answers": [_answer(status, one) for status, one in said["responses"].items()],
        "curl": _curl(path, method, content),
    }


def _parameter(said: Described) -> Described:
    return {
        "name": said["name"],
        "place": said["in"],
        "type": type_of(said["schema"]),
        "required": said.get("required", False),
        "about": said.get("description") or said["schema"].get("description", ""),
    }


def _body(media_type: str, schema: Described) -> Described:
    return {"media_type": media_type, "type": type_of(schema), "fields": _fields(schema)}


def _answer(status: int | str, said: Described) -> Described:
    schemas = [one["schema"] for one in said.get("content", {}).values()]
    return {"status": status, "about": said.get("description", ""), "type": type_of(schemas[0]) if schemas else None}


def _fields(schema: Described) -> list[Described]:
    required = schema.get("required", [])
    return [
        {"name": name, "type": type_of(one), "required": name in required, "about": one.get("description", "")}
        for name, one in schema.get("properties", {}).items()
    ]


def type_of(schema: Described) -> Described:
    """Say a schema's type in words; `shape` names the shape that the page should link to."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return {"words": name, "shape": name}
    if "anyOf" in schema:
        choices = [type_of(one) for one in schema["anyOf"]]
        words = " or ".join(dict.fromkeys(one["words"] for one in choices))
        return {"words": words, "shape": next((one["shape"] for one in choices if one["shape"]), None)}
    if schema.get("type") == "array":
        inner = type_of(schema.get("items", {}))
        return {"words": f"list of {inner['words']}", "shape": inner["shape"]}
    if isinstance(schema.get("additionalProperties"), dict):
        inner = type_of(schema["additionalProperties"])
        return {"words": f"object of {inner['words']}", "shape": inner["shape"]}
    return {"words": _plain(schema), "shape": None}


def _plain(schema: Described) -> str:
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    kind = schema.get("type", "anything")
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _curl(path: str, method: str, content: Described) -> str:
    parts = ["curl", '-H "Authorization: Bearer $TOKEN"']
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if "multipart/form-data" in content:
        parts.append("-F file=@photo.jpg")
    elif "application/json" in content:
        example = content["application/json"].get("example", {})
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example)}'")
    return " ".join([*parts, f"http://localhost:8000{path}"])
