"""Puts copies behind the best of them: what the list shows, and what stands behind each hit."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from searchsite.indexing.models import Space
from searchsite.library.scope import Scope
from searchsite.search import duplicates
from searchsite.search.fuse import Fused

# Of the best so many hits it is asked which are copies of each other.
MOST_FOLDED = 300


def fold(
    found: list[Fused], scope: Scope, space: Space | None, *, drop: bool
) -> tuple[list[Fused], Mapping[UUID, tuple[UUID, ...]]]:
    """The list without copies of what stands before them, where `drop`; and of each item its copies, by public ids.

    Copies of copies are not folded, so that nothing is hidden behind what it is not alike to.
    """
    best = [one.item_id for one in found[:MOST_FOLDED]]
    pairs = duplicates.among(best, scope, space) if len(best) > 1 else []
    if not pairs:
        return found, {}
    alike: dict[int, set[int]] = {}
    public: dict[int, UUID] = {}
    for one, one_id, other, other_id in pairs:
        alike.setdefault(one, set()).add(other)
        alike.setdefault(other, set()).add(one)
        public |= {one: one_id, other: other_id}
    folded: set[int] = set()
    copies: dict[UUID, tuple[UUID, ...]] = {}
    for pk in best:
        if pk in folded or pk not in alike:
            continue
        own = [other for other in best if other in alike[pk] and other not in folded]
        if drop:
            folded.update(own)
        if own:
            copies[public[pk]] = tuple(public[other] for other in own)
    return [one for one in found if one.item_id not in folded], copies
