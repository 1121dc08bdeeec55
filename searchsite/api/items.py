"""Items: put in, look at, change, throw away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Header, Query, Router
from ninja.responses import NinjaJSONEncoder, Status

from searchsite.api import bodies, inputs, listing, schemas, shapes
from searchsite.api.auth import ADD, CHANGE, DELETE, JSON, READ, Caller, Request
from searchsite.api.idempotency import Answer, digest_of, once
from searchsite.api.problems import Problem
from searchsite.jobs.models import Lane
from searchsite.library import edits, intake, trash
from searchsite.library.models import Item
from searchsite.library.scope import Scope

router = Router(tags=["items"])
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            **bodies.form(
                file={"type": "string", "format": "binary", "description": "A picture or a text."},
                title={"type": "string", "description": "The file's name when not given."},
                collection={"type": "string", "format": "uuid", "description": "The Inbox when not given."},
            ),
            "application/json": {
                "schema": inputs.TextIn.model_json_schema(),
                "example": {"text": "Water the roses on Friday.", "title": "Garden"},
            },
        },
    }
}


@router.post(
    "/items",
    auth=ADD,
    response={201: schemas.ItemOut, 200: schemas.ItemOut},
    summary="Put a file or a text in",
    openapi_extra=BODY,
)
def add_item(
    request: Request, idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key")] = None
) -> HttpResponse:
    """201 with the new item; 200 with the item that was there if the collection already has these bytes.

    With an Idempotency-Key the same request may be sent again for a day: it is done once and gets the same answer.
    """
    work = _text_to_add(request) if request.content_type == JSON else _file_to_add(request)
    answer = once(request.auth, request.headers.get("Idempotency-Key"), *work)
    response = HttpResponse(answer.body, status=answer.status, content_type=JSON)
    response["Location"] = f"{request.path}/{json.loads(answer.body)['id']}"
    if answer.again:
        response["Idempotent-Replayed"] = "true"
    return response


@router.get("/items", auth=READ, response=schemas.ItemList, summary="List items, newest first")
def list_items(request: Request, query: Query[inputs.ItemQuery]) -> schemas.ItemList:
    """The `text` of a listed item is its beginning; the whole of it comes with the single item."""
    page, next_cursor = listing.newest(request.auth.scope, query)
    return schemas.ItemList(items=shapes.items_out(page, whole_text=False), next_cursor=next_cursor)


@router.get("/items/{uuid:item_id}", auth=READ, response=schemas.ItemOut, summary="One item")
def get_item(request: Request, item_id: UUID) -> schemas.ItemOut:
    """Where it stands, and all that is known of it."""
    return shapes.item_out(listing.item_or_404(request.auth.scope, item_id))


@router.patch("/items/{uuid:item_id}", auth=CHANGE, response=schemas.ItemOut, summary="Change an item")
def change_item(request: Request, item_id: UUID, change: inputs.ItemPatch) -> schemas.ItemOut:
    """What is not given stays as it is."""
    caller: Caller = request.auth
    item = _writable(caller, item_id)
    _change(item, change, caller.scope)
    return shapes.item_out(listing.item_or_404(caller.scope, item_id))


@router.delete("/items/{uuid:item_id}", auth=DELETE, response={204: None}, summary="Move an item to the trash")
def delete_item(request: Request, item_id: UUID) -> Status[None]:
    """It is gone from lists and searches at once."""
    trash.trash(_writable(request.auth, item_id), scope=request.auth.scope)
    return Status(204, None)


def _text_to_add(request: Request) -> tuple[bytes, Callable[[], Answer]]:
    """Return the digest of the request, and the deed."""
    asked = bodies.read_json(request, inputs.TextIn)
    facts = ("text", asked.text, asked.title or "", str(asked.collection or ""))

    def do() -> Answer:
        place = _place(request.auth, asked.collection)
        return _answer(request.auth, intake.add_text(asked.text, title=asked.title, into=place))

    return digest_of(*facts), do


def _file_to_add(request: Request) -> tuple[bytes, Callable[[], Answer]]:
    """Return the digest of the request, and the deed."""
    file, asked = bodies.read_form(request, inputs.FileFields)
    name = file.name or ""
    sha256 = hashlib.file_digest(file, "sha256").digest()
    file.seek(0)

    def do() -> Answer:
        place = _place(request.auth, asked.collection)
        return _answer(request.auth, intake.add_file(file, name, into=place, title=asked.title))

    return digest_of("file", sha256, name, asked.title or "", str(asked.collection or "")), do


def _place(caller: Caller, collection: UUID | None) -> intake.Place:
    return intake.place_for(caller.scope, collection, lane=Lane.WAITING)


def _answer(caller: Caller, added: intake.Added) -> Answer:
    item = listing.described(Item.objects.all()).get(pk=added.item.pk)
    return Answer(201 if added.created else 200, json.dumps(shapes.item_out(item).model_dump(), cls=NinjaJSONEncoder))


def _change(item: Item, change: inputs.ItemPatch, scope: Scope) -> None:
    """Make all of the changes or none."""
    with transaction.atomic():
        if change.collection is not None:
            target = listing.collection_or_404(scope, change.collection)
            if target.pk != item.collection_id:
                edits.move(item, target, scope=scope)
        if change.title is not None:
            edits.rename(item, change.title, scope=scope)
        if change.kind is not None and change.kind != item.kind:
            edits.set_kind(item, change.kind, scope=scope)
        if change.tags is not None:
            edits.retag(item, change.tags, scope=scope)
        if change.caption is not None:
            edits.set_caption(item, change.caption, scope=scope)
        if change.text is not None:
            edits.set_text(item, change.text, scope=scope)


def _writable(caller: Caller, item_id: UUID) -> Item:
    item = listing.item_or_404(caller.scope, item_id)
    if item.collection_id not in caller.scope.writable_ids:
        raise Problem(403, f"You may look at “{item.collection}”, but not change what is in it.", code="read-only")
    return item
