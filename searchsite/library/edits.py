"""What people change about an item: its title, tags, kind and collection."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import tags, wording
from searchsite.library.models import Collection, Item, Kind, KindSetBy
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope


@transaction.atomic
def rename(item: Item, title: str) -> None:
    """Give the item another title. A text's passages carry it, so they are embedded anew."""
    cleaned = wording.clean_line(title, limit=wording.TITLE_CHARS)
    if not cleaned:
        raise Refusal("A title has at least one character.", code="title-missing")
    item.title = cleaned
    item.save(update_fields=["title"])
    if not item.is_picture:
        _embed_again(item)


@transaction.atomic
def retag(item: Item, names: Iterable[str]) -> None:
    """Make the item's tags these."""
    Item.objects.select_for_update(of=("self",)).filter(pk=item.pk).first()
    if tags.set_all(item, names):
        _embed_again(item)


def set_kind(item: Item, kind: str) -> None:
    """Say what a picture is. What a person says outlives the rule."""
    if not item.is_picture or kind not in (Kind.IMAGE, Kind.SCREENSHOT):
        raise Refusal("A picture is an image or a screenshot; a text stays a text.", code="kind")
    item.kind, item.kind_set_by = kind, KindSetBy.PERSON
    item.save(update_fields=["kind", "kind_set_by"])


def move(item: Item, target: Collection, *, scope: Scope) -> None:
    """Put the item into another collection of the same team. Both must be writable."""
    if target.pk not in scope.collection_ids or item.collection_id not in scope.collection_ids:
        raise Refusal("There is no such collection.", code="collection-missing", status=404)
    if not {target.pk, item.collection_id} <= set(scope.writable_ids):
        raise Refusal("You may not change what is in that collection.", code="read-only", status=403)
    try:
        with transaction.atomic():
            # Only from where the scope was checked: somebody else may be moving it right now.
            here = Item.objects.filter(pk=item.pk, collection_id=item.collection_id, trashed_at=None)
            moved = here.update(collection=target)
    except IntegrityError as error:
        message = f"“{target.name}” already has this file."
        raise Refusal(message, code="already-there", status=409) from error
    if not moved:
        raise Refusal("The item was moved or deleted meanwhile.", code="moved", status=409)
    item.collection = target


def _embed_again(item: Item) -> None:
    queue.enqueue([Job(kind="embed", queue="embed", lane=Lane.NORMAL, team_id=item.team_id, subject=item.pk)])
