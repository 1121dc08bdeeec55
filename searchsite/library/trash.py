"""The way out: items lie in their team's trash for a while, and are then gone for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from searchsite.accounts import audit
from searchsite.accounts.models import Membership, Role
from searchsite.jobs.models import Job
from searchsite.library import blobs, collections
from searchsite.library.models import Collection, Item, ItemQuerySet, Purpose
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope

log = structlog.get_logger()
KEPT = timedelta(days=30)
AT_ONCE = 500


def trash(item: Item, *, scope: Scope | None = None) -> None:
    """Move an item to the trash. No scope reads the trash, so it is gone from everywhere at once.

    With a scope, only what it may change by now; without one it is the house's own doing. Raises Refusal, also where
    it has been deleted for good meanwhile.
    """
    bin_ = collections.ensure_system(item.team_id)[Purpose.TRASH]
    with transaction.atomic():
        here = Item.objects.filter(pk=item.pk, trashed_at=None)
        locked = here.select_for_update(of=("self",)).first()
        if locked is not None:
            if scope is not None and locked.collection_id not in scope.writable_ids:
                raise Refusal(_("You may not change what is in that collection."), code="read-only", status=403)
            locked.trashed_from_id, locked.collection = locked.collection_id, bin_
            Item.objects.filter(pk=locked.pk).update(
                collection=bin_, trashed_from=locked.trashed_from_id, trashed_at=Now()
            )
    _look_again(item)


def restorable(scope: Scope) -> ItemQuerySet:
    """Trashed items that the scope may take back: those from collections it may change, and one's own orphans."""
    orphans = Q(trashed_from=None, created_by_id=scope.user_id)
    mine = Q(trashed_from_id__in=scope.writable_ids) | orphans
    return ItemQuerySet(Item).filter(mine, team_id=scope.team_id, trashed_at__isnull=False)


def restore(item: Item, *, scope: Scope | None = None) -> None:
    """Put a trashed item back where it was, or into the Inbox when that collection is gone.

    With a scope, only what it may take back by now. Raises Refusal where the file is there again, or the item has been
    deleted for good meanwhile.
    """
    inbox = collections.ensure_system(item.team_id)[Purpose.INBOX]
    # It may have been deleted since the item was read, and is not to be until the item lies in it.
    homes = Collection.objects.filter(pk=item.trashed_from_id or inbox.pk).select_for_update(no_key=True)
    trashed = restorable(scope) if scope is not None else ItemQuerySet(Item).filter(trashed_at__isnull=False)
    target = inbox
    try:
        with transaction.atomic():
            target = homes.first() or inbox
            trashed.filter(pk=item.pk).update(collection=target, trashed_from=None, trashed_at=None)
    except IntegrityError as error:
        message = _("“%(name)s” has this file again; there is nothing to restore.") % {"name": target.shown_name}
        raise Refusal(message, code="already-there", status=409) from error
    _look_again(item)


def _look_again(item: Item) -> None:
    try:
        item.refresh_from_db(fields=["collection", "trashed_from", "trashed_at"])
    except Item.DoesNotExist:
        raise Refusal(_("There is no such item."), code="not-found", status=404) from None


def delete_now(ids: Sequence[int], *, scope: Scope) -> int:
    """Delete trashed items for good before their time, as a team's admins may. Returns how many.

    Raises Refusal for anybody else. Files that nothing uses any more go at once, or with the next purge where there
    are many.
    """
    leads = Membership.objects.filter(user_id=scope.user_id, team_id=scope.team_id, role=Role.ADMIN)
    if not leads.exists():
        raise Refusal(_("Only the team's admins may delete for good."), code="admins-only", status=403)
    number = 0
    for first in range(0, len(ids), AT_ONCE):
        with transaction.atomic():
            mine = restorable(scope).filter(Exists(leads), pk__in=ids[first : first + AT_ONCE])
            deleted = _delete(mine.select_for_update(of=("self",), skip_locked=True))
            if deleted:
                audit.note(audit.Action.DELETED_FOR_GOOD, ("item", ""), team_id=scope.team_id, ids=deleted)
        number += len(deleted)
    log.info("deleted for good", user=scope.user_id, team=scope.team_id, number=number, items=list(ids)[:100])
    if number <= AT_ONCE:
        blobs.forget_unused()
    return number


def purge() -> int:
    """Delete for good what has lain in the trash for 30 days, with the files that nothing else uses."""
    number = 0
    while ids := _old():
        with transaction.atomic():
            locked = Item.objects.select_for_update(of=("self",), skip_locked=True).filter(pk__in=ids)
            # A restore that came first has taken its item out of the condition.
            deleted = len(_delete(locked.filter(trashed_at__lt=Now() - KEPT)))
        number += deleted
        if deleted < len(ids):
            break
    blobs.forget_unused()
    return number


def _delete(locked: QuerySet[Item]) -> list[str]:
    """Delete them, and return their public ids."""
    chosen = dict(locked.values_list("pk", "public_id"))
    Item.objects.filter(pk__in=list(chosen)).delete()
    Job.objects.filter(subject__in=list(chosen)).delete()
    return [str(public_id) for public_id in chosen.values()]


def _old() -> list[int]:
    old = Item.objects.filter(trashed_at__lt=Now() - KEPT).order_by("trashed_at")
    return list(old.values_list("pk", flat=True)[:AT_ONCE])
