"""Tags on items: what a person says stands; what a machine says is replaced whenever it looks again.

A person also says what an item is not: a tag taken off stays off, whatever a machine sees.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import wording
from searchsite.library.models import Channel, DeclinedTag, Item, ItemTag, Part, PartRole, Source, Tag
from searchsite.library.refusals import Refusal

MOST = 100
REWRITE = """
UPDATE part SET text = said.names
FROM (
    SELECT item_id, string_agg(tag.name, ', ' ORDER BY item_tag.source DESC, item_tag.id) AS names
    FROM item_tag JOIN tag ON tag.id = item_tag.tag_id WHERE item_id = ANY(%s) GROUP BY item_id
) AS said
WHERE part.item_id = said.item_id AND part.role = 'tags'
"""


def set_machine(item: Item, names: Iterable[str]) -> bool:
    """Make the machine's tags these, leaving a person's alone. Returns whether the item's tags changed."""
    declined = set(item.declined_tags.values_list("name", flat=True))
    wanted = [name for name in _normal(names) if name not in declined][:MOST]
    return _replace(item, wanted, Source.MACHINE)


@transaction.atomic
def set_all(item: Item, names: Iterable[str]) -> bool:
    """Make the item's tags these, as a person says: also those of a machine that they keep, or take off."""
    wanted = _normal(names)
    if len(wanted) > MOST:
        raise Refusal(f"An item has at most {MOST} tags.", code="too-many-tags")
    kept = item.item_tags.filter(tag__name__in=wanted)
    taken_off = item.item_tags.exclude(tag__name__in=wanted).values_list("tag__name", flat=True)
    _decline([item.pk], taken_off, instead=wanted)
    kept.filter(source=Source.MACHINE).update(source=Source.PERSON)
    return _replace(item, wanted, Source.PERSON)


def _normal(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(wording.normalise_tag, names))))


def _decline(items: list[int], names: Iterable[str], *, instead: list[str]) -> None:
    """Remember which tags the items do not have, and forget it of those that they have instead."""
    DeclinedTag.objects.filter(item__in=items, name__in=instead).delete()
    rows = [DeclinedTag(item_id=item, name=name) for name in names for item in items]
    DeclinedTag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def text_of(item: Item) -> str:
    """The item's tags as one text, a person's first."""
    ordered = item.item_tags.select_related("tag").order_by("-source", "id")
    return ", ".join(one.tag.name for one in ordered)


@transaction.atomic
def rename_tag(tag: Tag, name: str) -> None:
    """Give a tag another name on all its items. Raises Refusal when nothing is left of it, or another has it."""
    cleaned = wording.normalise_tag(name)
    if not cleaned:
        raise Refusal("Nothing is left of this tag.", code="tag-missing")
    items = _lock_items(tag)
    before = Tag.objects.filter(pk=tag.pk).values_list("name", flat=True).first()
    if before is None:
        raise Refusal("The tag was deleted meanwhile.", code="tag-deleted", status=404)
    if cleaned == before:
        return
    try:
        with transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(name=cleaned)
    except IntegrityError as error:
        raise Refusal(f"There already is a tag “{cleaned}”.", code="tag-exists", status=409) from error
    tag.name = cleaned
    _decline(items, [before], instead=[cleaned])
    ItemTag.objects.filter(tag=tag).update(source=Source.PERSON)
    _write_parts(items, team_id=tag.team_id)


@transaction.atomic
def delete_tag(tag: Tag) -> None:
    """Take a tag off all its items, for good."""
    items, team_id = _lock_items(tag), tag.team_id
    _decline(items, [tag.name], instead=[])
    tag.delete()
    _write_parts(items, team_id=team_id)


def _lock_items(tag: Tag) -> list[int]:
    """Hold off whoever changes the tags of its items. In one order everywhere, and before the tag itself."""
    tagged = Item.objects.filter(Exists(ItemTag.objects.filter(tag=tag, item=OuterRef("pk"))))
    return list(tagged.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))


def _write_parts(items: list[int], *, team_id: int) -> None:
    """Do as `_write_part` for many items at once, and have them embedded anew."""
    with connection.cursor() as cursor:
        cursor.execute(REWRITE, [items])
    untagged = ~Exists(ItemTag.objects.filter(item=OuterRef("item")))
    Part.objects.filter(untagged, item__in=items, role=PartRole.TAGS).delete()
    queue.enqueue([Job(kind="embed", queue="embed", lane=Lane.BULK, team_id=team_id, subject=item) for item in items])


@transaction.atomic
def _replace(item: Item, wanted: list[str], source: Source) -> bool:
    mine = item.item_tags.all() if source == Source.PERSON else item.item_tags.filter(source=source)
    removed, _ = mine.exclude(tag__name__in=wanted).delete()
    have = set(item.item_tags.values_list("tag__name", flat=True))
    missing = [name for name in wanted if name not in have]
    # In one order everywhere, so that two items being tagged at once can't wait for each other.
    Tag.objects.bulk_create([Tag(team_id=item.team_id, name=name) for name in sorted(missing)], ignore_conflicts=True)
    known = dict(Tag.objects.filter(team_id=item.team_id, name__in=missing).values_list("name", "id"))
    ItemTag.objects.bulk_create(
        [ItemTag(item=item, tag_id=known[name], source=source) for name in missing], ignore_conflicts=True
    )
    return _write_part(item) or bool(removed or missing)


def _write_part(item: Item) -> bool:
    """Keep the text part that says the tags, so that words and vectors find them."""
    text = text_of(item)
    part = item.parts.filter(role=PartRole.TAGS).first()
    if part is None:
        if text:
            Part.objects.create(item=item, channel=Channel.TEXT, role=PartRole.TAGS, text=text)
        return bool(text)
    if part.text == text:
        return False
    if text:
        Part.objects.filter(pk=part.pk).update(text=text)
    else:
        part.delete()
    return True
