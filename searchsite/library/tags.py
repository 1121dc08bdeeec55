"""Tags on items: what a person says stands; what a machine says is replaced whenever it looks again.

A person also says what an item is not: a tag taken off stays off, whatever a machine sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext as _

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import wording
from searchsite.library.models import DeclinedTag, Item, ItemTag, Source, Tag
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope

MOST = 100
TRIES = 3
# Whose tags are suggested: counting all of a large library takes half a second.
NEWEST = 2000
# The part that says an item's tags, a person's first, so that words and vectors find them.
WRITE = """
INSERT INTO part (item_id, channel, role, ordinal, text, language, set_by, network, locator)
SELECT item_id, 'text', 'tags', 0,
    string_agg(tag.name, ', ' ORDER BY item_tag.source DESC, item_tag.id), '', '', '', '{}'
FROM item_tag JOIN tag ON tag.id = item_tag.tag_id WHERE item_id = ANY(%s) GROUP BY item_id
ON CONFLICT (item_id, role, ordinal) DO UPDATE SET text = excluded.text WHERE part.text <> excluded.text
RETURNING item_id
"""
ERASE = """
DELETE FROM part WHERE item_id = ANY(%s) AND role = 'tags'
    AND NOT EXISTS (SELECT FROM item_tag WHERE item_tag.item_id = part.item_id)
RETURNING item_id
"""


def set_machine(item: Item, names: Iterable[str]) -> bool:
    """Make the machine's tags these, leaving a person's alone. Returns whether the item's tags changed."""
    declined = set(item.declined_tags.values_list("name", flat=True))
    wanted = [name for name in normal(names) if name not in declined][:MOST]
    return _replace(item, wanted, Source.MACHINE)


@transaction.atomic
def set_all(item: Item, names: Iterable[str]) -> bool:
    """Make the item's tags these, as a person says: also those of a machine that they keep, or take off."""
    wanted = normal(names)
    if len(wanted) > MOST:
        raise Refusal(_("An item has at most %(most)s tags.") % {"most": MOST}, code="too-many-tags")
    taken_off = item.item_tags.exclude(tag__name__in=wanted).values_list("tag__name", flat=True)
    return bool(change([item.pk], add=wanted, remove=list(taken_off), team_id=item.team_id))


@transaction.atomic
def change(items: Sequence[int], *, add: Sequence[str], remove: Sequence[str], team_id: int) -> set[int]:
    """Put tags on items that the caller has locked, and take others off, as a person says; the names are normalised.

    Returns the items whose tags read otherwise now, so that they are embedded anew.
    """
    mine = ItemTag.objects.filter(item__in=items)
    off = mine.filter(tag__name__in=remove)
    _remember_declined(list(off.values_list("item_id", "tag__name")))
    off.delete()
    DeclinedTag.objects.filter(item__in=items, name__in=add).delete()
    mine.filter(tag__name__in=add, source=Source.MACHINE).update(source=Source.PERSON)
    _put_on(items, add, source=Source.PERSON, team_id=team_id)
    return _write_parts(items)


def full(items: Sequence[int], *, add: Sequence[str], remove: Sequence[str]) -> set[int]:
    """Those of the items that would have too many tags after such a change."""
    others = ItemTag.objects.filter(item__in=items).exclude(tag__name__in=[*add, *remove])
    counted = others.values("item").annotate(number=Count("id")).filter(number__gt=MOST - len(add))
    return set(counted.values_list("item", flat=True))


def counted(items: Sequence[int]) -> list[tuple[str, int]]:
    """The tags of these items, each with how many have it, the commonest first."""
    rows = ItemTag.objects.filter(item__in=items).values_list("tag__name").annotate(number=Count("id"))
    return [(name, number) for name, number in rows.order_by("-number", "tag__name")]


def used(scope: Scope, *, limit: int) -> list[str]:
    """The names that are most used on the newest items that the scope may read."""
    seen = Item.objects.filter(collection_id__in=scope.collection_ids).order_by("-created_at", "-pk")
    rows = ItemTag.objects.filter(item__in=seen.values("pk")[:NEWEST]).values_list("tag__name")
    common = rows.annotate(number=Count("id")).order_by("-number", "tag__name")
    return [name for name, _number in common[:limit]]


def normal(names: Iterable[str]) -> list[str]:
    """The names as they are stored and compared, each once."""
    return list(dict.fromkeys(filter(None, map(wording.normalise_tag, names))))


def _decline(items: list[int], name: str, *, instead: str = "") -> None:
    """Remember that the items do not have a tag, and forget it of the one that they have instead."""
    DeclinedTag.objects.filter(item__in=items, name=instead).delete()
    _remember_declined([(item, name) for item in items])


def _remember_declined(pairs: Iterable[tuple[int, str]]) -> None:
    rows = [DeclinedTag(item_id=item, name=name) for item, name in pairs]
    DeclinedTag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


@transaction.atomic
def rename_tag(tag: Tag, name: str) -> None:
    """Give a tag another name on all its items. Raises Refusal when nothing is left of it, or another has it."""
    cleaned = wording.normalise_tag(name)
    if not cleaned:
        raise Refusal(_("Nothing is left of this tag."), code="tag-missing")
    items = _lock_items(tag)
    before = Tag.objects.filter(pk=tag.pk).values_list("name", flat=True).first()
    if before is None:
        raise Refusal(_("The tag was deleted meanwhile."), code="tag-deleted", status=404)
    if cleaned == before:
        return
    try:
        with transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(name=cleaned)
    except IntegrityError as error:
        message = _("There already is a tag “%(name)s”.") % {"name": cleaned}
        raise Refusal(message, code="tag-exists", status=409) from error
    tag.name = cleaned
    _decline(items, before, instead=cleaned)
    ItemTag.objects.filter(tag=tag).update(source=Source.PERSON)
    _embed_again(items, team_id=tag.team_id)


@transaction.atomic
def delete_tag(tag: Tag) -> None:
    """Take a tag off all its items, for good."""
    items, team_id = _lock_items(tag), tag.team_id
    _decline(items, tag.name)
    tag.delete()
    _embed_again(items, team_id=team_id)


def _lock_items(tag: Tag) -> list[int]:
    """Hold off whoever changes the tags of its items. In one order everywhere, and before the tag itself."""
    tagged = Item.objects.filter(Exists(ItemTag.objects.filter(tag=tag, item=OuterRef("pk"))))
    return list(tagged.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))


def _embed_again(items: list[int], *, team_id: int) -> None:
    _write_parts(items)
    queue.enqueue([Job(kind="embed", queue="embed", lane=Lane.BULK, team_id=team_id, subject=item) for item in items])


@transaction.atomic
def _replace(item: Item, wanted: list[str], source: Source) -> bool:
    item.item_tags.filter(source=source).exclude(tag__name__in=wanted).delete()
    _put_on([item.pk], wanted, source=source, team_id=item.team_id)
    return bool(_write_parts([item.pk]))


def _put_on(items: Sequence[int], names: Sequence[str], *, source: Source, team_id: int) -> None:
    """Tag items; a tag that one has already stays as it is."""
    known = _known(names, team_id=team_id)
    rows = [ItemTag(item_id=item, tag_id=known[name], source=source) for item in items for name in names]
    ItemTag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)


def _known(names: Sequence[str], *, team_id: int) -> dict[str, int]:
    """The ids of tags of these names, made where there are none."""
    for _try in range(TRIES):
        known = dict(Tag.objects.filter(team_id=team_id, name__in=names).values_list("name", "id"))
        missing = sorted(set(names) - set(known))
        if not missing:
            return known
        # In one order everywhere, so that two items being tagged at once can't wait for each other. One that another
        # had made may be renamed or deleted before it is read here, and is then made again.
        Tag.objects.bulk_create([Tag(team_id=team_id, name=name) for name in missing], ignore_conflicts=True)
    raise Refusal(_("The tag was deleted meanwhile."), code="tag-deleted", status=409)


def _write_parts(items: Sequence[int]) -> set[int]:
    """Keep the parts that say the items' tags; returns the items of which they say something else now."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(items)])
        changed = {pk for (pk,) in cursor.fetchall()}
        cursor.execute(ERASE, [list(items)])
        return changed | {pk for (pk,) in cursor.fetchall()}
