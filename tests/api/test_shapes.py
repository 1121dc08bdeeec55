"""The shapes of version 1 stay: fields may be added, none goes away or changes. And people can read about them.

After adding to the API: `python -m tests.api.test_shapes` writes the new description.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import django
import pytest
from django.test import Client

SNAPSHOT = Path(__file__).with_name("openapi.json")
# They say what a thing is for, and may be said better.
WORDS = {"description", "summary", "title", "example", "examples", "operationId", "tags", "info"}


def _text(value: Any) -> str:
    bare = {name: one for name, one in value.items() if name not in WORDS} if isinstance(value, dict) else value
    return json.dumps(bare, sort_keys=True)


def losses(before: Any, after: Any, where: str = "") -> list[str]:
    """What of `before` is missing or different in `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        kept = {name: one for name, one in before.items() if where.endswith("/properties") or name not in WORDS}
        gone = [f"{where}/{name} is gone" for name in kept if name not in after]
        return gone + [
            loss for name in kept if name in after for loss in losses(kept[name], after[name], f"{where}/{name}")
        ]
    if isinstance(before, list) and isinstance(after, list):
        if where.endswith("/required") and "In/" in where:
            return [f"{where}: {name} is newly required" for name in after if name not in before]
        return [f"{where}: {one} is gone" for one in map(_text, before) if one not in map(_text, after)]
    return [] if before == after else [f"{where} was {before!r}, is {after!r}"]


def test_the_shapes_stay() -> None:
    schema = json.loads(Client().get("/api/v1/openapi.json").content)
    assert losses(json.loads(SNAPSHOT.read_text(encoding="utf-8")), schema) == []


def test_a_lost_field_would_be_noticed() -> None:
    before = {"Item": {"properties": {"title": {"type": "string"}, "id": {"type": "string"}}}}
    assert losses(before, {"Item": {"properties": {"title": {"type": "integer"}}}}) == [
        "/Item/properties/id is gone",
        "/Item/properties/title/type was 'string', is 'integer'",
    ]


def test_every_call_names_its_refusals() -> None:
    schema = json.loads(Client().get("/api/v1/openapi.json").content)
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert "401" in operation["responses"], path
            assert operation["security"] == [{"BearerToken": []}], path


@pytest.mark.parametrize(
    "words", ["/api/v1/items", "Idempotency-Key", "next_cursor", "curl -H", "ItemOut", "BearerToken"]
)
def test_people_can_read_about_it(words) -> None:
    page = Client().get("/api/v1/docs").content.decode()
    assert (words in page) == (words != "BearerToken")


def test_the_page_keeps_to_the_content_security_policy() -> None:
    response = Client().get("/api/v1/docs")
    page = response.content.decode()
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert not any(bad in page for bad in ("<script", "<style", "style=", "http://cdn", "https://cdn", " onclick="))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
    django.setup()
    answer = Client(headers={"host": "localhost"}).get("/api/v1/openapi.json")
    SNAPSHOT.write_text(json.dumps(json.loads(answer.content), indent=1, sort_keys=True) + "\n", encoding="utf-8")
