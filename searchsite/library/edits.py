"""What people change about an item: its title, tags, kind, collection, caption and the text in its picture."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from searchsite.jobs import care, queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import sayings, tags, wording
from searchsite.library.models import Collection, Item, Kind, KindSetBy, Part, PartRole
from searchsite.library.refusals import Refusal
from searchsite.library.sayings import CAPTION_CHARS, TEXT_CHARS, Saying
from searchsite.library.scope import Scope

STAGES = {PartRole.CAPTION: "caption", PartRole.OCR: "read"}


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


def set_caption(item: Item, text: str, *, scope: Scope) -> None:
    """Say in one's own words what a picture shows; no captioner changes it again. Nothing: it is to have no caption."""
    caption = wording.clean_text(text).strip()
    if len(caption) > CAPTION_CHARS:
        raise Refusal(f"A caption has at most {CAPTION_CHARS:,} characters.", code="caption-too-long")
    _say(item, PartRole.CAPTION, [Saying(caption)] if caption else [], scope)


def set_text(item: Item, text: str, *, scope: Scope) -> None:
    """Say what stands in a picture; no reader changes it again. Nothing: there is no text in it."""
    cleaned = wording.clean_text(text).strip()
    if len(cleaned) > TEXT_CHARS:
        raise Refusal(f"The text in a picture has at most {TEXT_CHARS:,} characters.", code="text-too-long")
    _say(item, PartRole.OCR, sayings.split(cleaned), scope)


@transaction.atomic
def _say(item: Item, role: PartRole, said: list[Saying], scope: Scope) -> None:
    if not item.is_picture:
        raise Refusal("Only pictures have a caption and text in them.", code="not-a-picture")
    # The right is looked at once more with the item locked: it may be moved or thrown away right now.
    here = Item.objects.filter(pk=item.pk, collection_id__in=scope.writable_ids, trashed_at=None)
    locked = here.select_for_update(of=("self",)).first()
    if locked is None:
        raise Refusal("The item was moved or deleted meanwhile.", code="moved", status=409)
    before = Part.objects.filter(item=locked, role=role).order_by("ordinal").values_list("text", flat=True)
    if "".join(before).strip() != "".join(one.text for one in said).strip():
        sayings.write(locked, role, said, sayings.PERSON)
        # Nobody waits any more for what a captioner or reader could not say.
        care.settle(locked.pk, STAGES[role])
        _embed_again(locked, lane=Lane.WAITING)


def _embed_again(item: Item, *, lane: Lane = Lane.NORMAL) -> None:
    queue.enqueue([Job(kind="embed", queue="embed", lane=lane, team_id=item.team_id, subject=item.pk)])
