"""Tags on items: what a person says stands; what a machine says is replaced whenever it looks again."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from searchsite.library import wording
from searchsite.library.models import Channel, Item, ItemTag, Part, PartRole, Source, Tag
from searchsite.library.refusals import Refusal

MOST = 100


def set_machine(item: Item, names: Iterable[str]) -> bool:
    """Make the machine's tags these, leaving a person's alone. Returns whether the item's tags changed."""
    wanted = list(dict.fromkeys(filter(None, map(wording.normalise_tag, names))))[:MOST]
    return _replace(item, wanted, Source.MACHINE)


def set_all(item: Item, names: Iterable[str]) -> bool:
    """Make the item's tags these, as a person says: those they keep stay whose they were."""
    wanted = list(dict.fromkeys(filter(None, map(wording.normalise_tag, names))))
    if len(wanted) > MOST:
        raise Refusal(f"An item has at most {MOST} tags.", code="too-many-tags")
    return _replace(item, wanted, Source.PERSON)


def text_of(item: Item) -> str:
    """The item's tags as one text, a person's first."""
    ordered = item.item_tags.select_related("tag").order_by("-source", "id")
    return ", ".join(one.tag.name for one in ordered)


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
