"""What people change about an item: its title, tags, kind, collection, caption and the text in its picture."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from searchsite.jobs import care, queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import sayings, standing, tags, wording
from searchsite.library.models import Collection, Item, Kind, KindSetBy, Part, PartRole
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.library.sayings import CAPTION_CHARS, TEXT_CHARS, Saying
from searchsite.library.scope import Scope

STAGES = {PartRole.CAPTION: "caption", PartRole.OCR: "read"}


@transaction.atomic
def rename(item: Item, title: str, *, scope: Scope) -> None:
    """Give the item another title. A text's passages carry it, so they are embedded anew."""
    cleaned = wording.clean_line(title, limit=wording.TITLE_CHARS)
    if not cleaned:
        raise Refusal(_("A title has at least one character."), code="title-missing")
    locked(item, scope)
    item.title = cleaned
    item.save(update_fields=["title"])
    if not item.is_picture:
        embed_again(item, lane=Lane.WAITING)


@transaction.atomic
def retag(item: Item, names: Iterable[str], *, scope: Scope) -> None:
    """Make the item's tags these."""
    locked(item, scope)
    if tags.set_all(item, names):
        embed_again(item, lane=Lane.WAITING)


@transaction.atomic
def tag(item: Item, *, add: Iterable[str] = (), remove: Iterable[str] = (), scope: Scope) -> None:
    """Put tags on the item and take others off, whatever else it has by now."""
    adding, removing = tags.normal(add), tags.normal(remove)
    if not adding and not removing:
        raise Refusal(_("Nothing is left of this tag."), code="tag-missing")
    locked(item, scope)
    if adding and tags.full([item.pk], add=adding, remove=removing):
        raise Refusal(_("An item has at most %(most)s tags.") % {"most": tags.MOST}, code="too-many-tags")
    if tags.change([item.pk], add=adding, remove=removing, team_id=item.team_id):
        embed_again(item, lane=Lane.WAITING)


@transaction.atomic
def set_kind(item: Item, kind: str, *, scope: Scope) -> None:
    """Say what a picture is. What a person says outlives the rule."""
    if not item.is_picture or kind not in (Kind.IMAGE, Kind.SCREENSHOT):
        raise Refusal(_("A picture is an image or a screenshot; a text stays a text."), code="kind")
    locked(item, scope)
    item.kind, item.kind_set_by = kind, KindSetBy.PERSON
    item.save(update_fields=["kind", "kind_set_by"])


def move(item: Item, target: Collection, *, scope: Scope) -> None:
    """Put the item into another collection of the same team. Both must be writable."""
    if target.pk not in scope.collection_ids or item.collection_id not in scope.collection_ids:
        raise Refusal(_("There is no such collection."), code="collection-missing", status=404)
    if not {target.pk, item.collection_id} <= set(scope.writable_ids):
        raise Refusal(_("You may not change what is in that collection."), code="read-only", status=403)
    try:
        with transaction.atomic():
            # Only from where the scope was checked: somebody else may be moving it right now.
            here = Item.objects.filter(pk=item.pk, collection_id=item.collection_id, trashed_at=None)
            moved = here.update(collection=target)
    except IntegrityError as error:
        message = _("“%(name)s” already has this file.") % {"name": target.shown_name}
        raise Refusal(message, code="already-there", status=409) from error
    if not moved:
        raise Refusal(_("The item was moved or deleted meanwhile."), code="moved", status=409)
    item.collection = target


def set_caption(item: Item, text: str, *, scope: Scope) -> None:
    """Say in one's own words what a picture shows; no captioner changes it again. Nothing: it is to have no caption."""
    caption = wording.clean_text(text).strip()
    if len(caption) > CAPTION_CHARS:
        message = _("A caption has at most %(most)s characters.") % {"most": grouped(CAPTION_CHARS)}
        raise Refusal(message, code="caption-too-long")
    _say(item, PartRole.CAPTION, [Saying(caption)] if caption else [], scope)


def set_text(item: Item, text: str, *, scope: Scope) -> None:
    """Say what stands in a picture, where its words stood; no reader changes it again. Nothing: it has no text."""
    cleaned = wording.clean_text(text).strip()
    if len(cleaned) > TEXT_CHARS:
        message = _("The text in a picture has at most %(most)s characters.") % {"most": grouped(TEXT_CHARS)}
        raise Refusal(message, code="text-too-long")
    _say(item, PartRole.OCR, standing.placed(sayings.split(cleaned), standing.boxes(item)), scope)


@transaction.atomic
def _say(item: Item, role: PartRole, said: list[Saying], scope: Scope) -> None:
    if not item.is_picture:
        raise Refusal(_("Only pictures have a caption and text in them."), code="not-a-picture")
    here = locked(item, scope)
    before = Part.objects.filter(item=here, role=role).order_by("ordinal").values_list("text", flat=True)
    if "".join(before).strip() != "".join(one.text for one in said).strip():
        sayings.write(here, role, said, sayings.PERSON)
        # Nobody waits any more for what a captioner or reader could not say.
        care.settle(here.pk, STAGES[role])
        embed_again(here, lane=Lane.WAITING)


def locked(item: Item, scope: Scope) -> Item:
    """Lock the item's row and look at the right once more: it may be moved or thrown away right now."""
    here = Item.objects.filter(pk=item.pk, collection_id__in=scope.writable_ids, trashed_at=None)
    found = here.select_for_update(of=("self",)).first()
    if found is None:
        raise Refusal(_("The item was moved or deleted meanwhile."), code="moved", status=409)
    return found


def embed_again(item: Item, *, lane: Lane = Lane.NORMAL) -> None:
    """Have the item embedded anew: what is said of it has changed."""
    queue.enqueue([Job(kind="embed", queue="embed", lane=lane, team_id=item.team_id, subject=item.pk)])
