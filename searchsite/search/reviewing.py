"""Groups of copies for a person to review: which is the best of each, and what each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from searchsite.indexing import spaces
from searchsite.library.duplicates import MOST_TOGETHER, is_named
from searchsite.library.models import Author, Item, ItemTag, Part, PartRole, Source
from searchsite.library.scope import Scope
from searchsite.search import duplicates


@dataclass(frozen=True)
class Copy:
    """One item of a group, loaded with its blob and collection. `tags`: a person's own first."""

    item: Item
    tags: tuple[str, ...] = ()
    caption: str = ""
    cared_for: bool = False
    """A person gave it a title, a tag or a caption."""
    best: bool = False


@dataclass(frozen=True)
class Group:
    """Items that show one picture, the best first."""

    copies: Sequence[Copy] = field(default_factory=tuple)


@dataclass(frozen=True)
class Review:
    """One page of groups, and how many groups there are."""

    groups: tuple[Group, ...]
    total: int


def review(scope: Scope, *, first: int, number: int) -> Review:
    """Some of the groups of copies that the scope may change, from the `first`th on; the newest first."""
    groups = [group[:MOST_TOGETHER] for group in duplicates.offered(scope, spaces.active())]
    page = groups[first : first + number]
    known = _loaded([pk for group in page for pk in group], scope)
    shown = ([known[pk] for pk in group if pk in known] for group in page)
    # One that went at this moment leaves nothing to review.
    return Review(tuple(_ranked(group) for group in shown if len(group) > 1), len(groups))


def _ranked(group: Sequence[Copy]) -> Group:
    ranked = sorted(group, key=_worth, reverse=True)
    return Group(tuple(Copy(one.item, one.tags, one.caption, one.cared_for, at == 0) for at, one in enumerate(ranked)))


def _worth(copy: Copy) -> tuple[int, int, bool, float, int]:
    """By which the best is proposed: pixels, bytes, what people wrote, age."""
    item = copy.item
    pixels, size = (item.width or 0) * (item.height or 0), item.blob.size if item.blob else 0
    return pixels, size, copy.cared_for, -item.created_at.timestamp(), -item.pk


def _loaded(ids: Sequence[int], scope: Scope) -> dict[int, Copy]:
    items = Item.objects.filter(pk__in=ids, collection_id__in=scope.writable_ids, trashed_at=None)
    tags: dict[int, list[str]] = {}
    cared: set[int] = set()
    rows = ItemTag.objects.filter(item__in=ids).order_by("-source", "pk").values_list("item", "tag__name", "source")
    for pk, name, source in rows:
        tags.setdefault(pk, []).append(name)
        if source == Source.PERSON:
            cared.add(pk)
    said = Part.objects.filter(item__in=ids, role=PartRole.CAPTION, ordinal=0).exclude(text="")
    captions = {pk: (text, by) for pk, text, by in said.values_list("item", "text", "set_by")}
    cared |= {pk for pk, (_text, by) in captions.items() if by == Author.PERSON}
    return {
        item.pk: Copy(
            item,
            tuple(tags.get(item.pk, ())),
            captions.get(item.pk, ("", ""))[0],
            item.pk in cared or is_named(item.title),
        )
        for item in items.select_related("blob", "collection").defer("title_search")
    }
