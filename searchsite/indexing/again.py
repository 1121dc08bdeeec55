"""Doing a stage of many items once more, behind everything that waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from searchsite.indexing import plan, spaces, tables
from searchsite.jobs import queue
from searchsite.jobs.models import Lane
from searchsite.library.bulk import AT_ONCE, Outcome, Skipped
from searchsite.library.models import Item
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope


def do_again(ids: Iterable[int], kind: str, *, scope: Scope) -> Outcome:
    """Have a stage, and all that follows from it, done again for the items that the scope may change.

    Texts have no stage but the last. What is known of an item serves until then.
    """
    if kind not in plan.BATCH:
        raise Refusal(_("There is no such stage."), code="stage")
    if not plan.is_configured(kind):
        raise Refusal(_("Nothing is configured that does this."), code="not-configured")
    wanted = list(dict.fromkeys(ids))
    done: dict[int, int] = {}
    skipped: list[Skipped] = []
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        items, texts = _asked(some, kind, scope)
        done |= {item.pk: item.collection_id for item in items}
        skipped += [Skipped(item.pk, item.title, "no-stage") for item in texts]
    known = done.keys() | {one.item_id for one in skipped}
    return Outcome(done, (*skipped, *(Skipped(pk, "", "read-only") for pk in wanted if pk not in known)))


@transaction.atomic
def _asked(some: Sequence[int], kind: str, scope: Scope) -> tuple[list[Item], list[Item]]:
    here = Item.objects.filter(pk__in=some, collection_id__in=scope.writable_ids, trashed_at=None)
    found = here.filter(team_id=scope.team_id).select_related("blob").defer("title_search").order_by("pk")
    items: list[Item] = []
    texts: list[Item] = []
    for item in found:
        (items if item.is_picture or kind in (plan.DECODE, plan.EMBED) else texts).append(item)
    if kind in (plan.DECODE, plan.EMBED):
        for space in spaces.filling():
            tables.forget_all(space.pk, [item.pk for item in items])
    first = {item.pk: kind if item.is_picture else plan.EMBED for item in items}
    queue.enqueue([plan.job(first[item.pk], item, lane=Lane.BULK) for item in items])
    return items, texts
