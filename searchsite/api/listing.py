"""Which items a caller sees, and in which order."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from searchsite.api import cursors
from searchsite.api.inputs import ItemQuery
from searchsite.api.problems import Problem
from searchsite.indexing import stages
from searchsite.library.models import Collection, Item
from searchsite.library.scope import Scope


def described(items: QuerySet[Item]) -> QuerySet[Item]:
    """The items with what their description needs."""
    return items.select_related("collection", "blob", "created_by").defer("title_search")


def visible(scope: Scope) -> QuerySet[Item]:
    """All items of the scope."""
    return described(Item.objects.visible_to(scope))


def item_or_404(scope: Scope, item_id: UUID) -> Item:
    """Return the item, or say that there is nothing: whether it is missing or not theirs to see is not told."""
    item = visible(scope).filter(public_id=item_id).first()
    if item is None:
        raise Problem(404)
    return item


def collection_or_404(scope: Scope, collection_id: UUID) -> Collection:
    """Return the collection, or say that there is nothing."""
    collection = Collection.objects.filter(id__in=scope.collection_ids, public_id=collection_id).first()
    if collection is None:
        raise Problem(404)
    return collection


def newest(scope: Scope, query: ItemQuery) -> tuple[list[Item], str | None]:
    """Return one page of items, newest first, and the cursor of the next."""
    items = _filtered(visible(scope), scope, query)
    if query.cursor:
        at, pk = cursors.read(query.cursor)
        items = items.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk))
    page = list(items.order_by("-created_at", "-id")[: query.limit + 1])
    more = len(page) > query.limit
    page = page[: query.limit]
    return page, cursors.write(page[-1].created_at, page[-1].pk) if more else None


def _filtered(items: QuerySet[Item], scope: Scope, query: ItemQuery) -> QuerySet[Item]:
    if query.collection is not None:
        items = items.filter(collection=collection_or_404(scope, query.collection))
    if query.kind:
        items = items.filter(kind__in=query.kind)
    return stages.having(items, query.status) if query.status else items
