"""Changes to many items at once. Rights stand in the SQL of each write; what can't be changed is left, with a reason.

Each 500 items are one transaction by what the person may do then, and doing anything again does no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, LiteralString

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import collections, tags
from searchsite.library.models import Collection, Item, Kind, Purpose
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, kept

Change = Callable[[Sequence[int], Scope], dict[int, int]]
AT_ONCE = 500
# Whoever changes many items locks them in the order of their ids. Of the same bytes only one goes into a collection.
MOVE: LiteralString = """
WITH mine AS MATERIALIZED (
    SELECT id, collection_id, blob_id FROM item
    WHERE id = ANY(%(ids)s) AND collection_id = ANY(%(writable)s) AND trashed_at IS NULL
        AND collection_id <> %(target)s AND team_id = %(team)s
    ORDER BY id FOR UPDATE
), free AS (
    SELECT DISTINCT ON (coalesce(blob_id, -id)) id, collection_id FROM mine
    WHERE NOT EXISTS (
        SELECT FROM item AS there
        WHERE there.collection_id = %(target)s AND there.blob_id = mine.blob_id AND there.trashed_at IS NULL
    ) ORDER BY coalesce(blob_id, -id), id
)
UPDATE item SET collection_id = %(target)s FROM free WHERE item.id = free.id RETURNING item.id, free.collection_id
"""
TRASH: LiteralString = """
WITH mine AS MATERIALIZED (
    SELECT id, collection_id FROM item
    WHERE id = ANY(%(ids)s) AND collection_id = ANY(%(writable)s) AND trashed_at IS NULL AND team_id = %(team)s
    ORDER BY id FOR UPDATE
)
UPDATE item SET collection_id = %(target)s, trashed_from_id = mine.collection_id, trashed_at = statement_timestamp()
FROM mine WHERE item.id = mine.id RETURNING item.id, mine.collection_id
"""
# As trash.restorable() says: from collections that may be changed, and one's own orphans, which go to the Inbox.
RESTORE: LiteralString = """
WITH mine AS MATERIALIZED (
    SELECT id, blob_id, coalesce(trashed_from_id, %(inbox)s) AS target FROM item
    WHERE id = ANY(%(ids)s) AND trashed_at IS NOT NULL AND team_id = %(team)s AND (
        trashed_from_id = ANY(%(writable)s) OR trashed_from_id IS NULL AND created_by_id = %(user)s
    ) ORDER BY id FOR UPDATE
), free AS (
    SELECT DISTINCT ON (target, coalesce(blob_id, -id)) id, target FROM mine
    WHERE NOT EXISTS (
        SELECT FROM item AS there
        WHERE there.collection_id = mine.target AND there.blob_id = mine.blob_id AND there.trashed_at IS NULL
    ) ORDER BY target, coalesce(blob_id, -id), id
)
UPDATE item SET collection_id = free.target, trashed_from_id = NULL, trashed_at = NULL
FROM free WHERE item.id = free.id RETURNING item.id, free.target
"""
SET_KIND: LiteralString = """
WITH mine AS MATERIALIZED (
    SELECT id, collection_id FROM item
    WHERE id = ANY(%(ids)s) AND collection_id = ANY(%(writable)s) AND trashed_at IS NULL AND team_id = %(team)s
        AND kind <> 'text'
    ORDER BY id FOR UPDATE
)
UPDATE item SET kind = %(kind)s, kind_set_by = 'person'
FROM mine WHERE item.id = mine.id RETURNING item.id, mine.collection_id
"""


@dataclass(frozen=True)
class Skipped:
    """An item that was left as it is, and why: a slug, see `reason_of`. `title` only where the person may read it."""

    item_id: int
    title: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What came of it: ids of the items that were changed, each with the collection it was in; and those left."""

    done: Mapping[int, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left for each reason."""
        return dict(Counter(one.why for one in self.skipped))


def move_all(ids: Iterable[int], target: Collection, *, scope: Scope) -> Outcome:
    """Put items into another collection. Raises Refusal when that one may not be written."""
    if target.pk not in scope.collection_ids:
        raise Refusal(_("There is no such collection."), code="collection-missing", status=404)
    if target.pk not in scope.writable_ids:
        raise Refusal(_("You may not change what is in that collection."), code="read-only", status=403)
    outcome = _each(ids, scope, partial(_move, target=target.pk), live="already-there")
    if "already-there" not in outcome.reasons or target.pk in kept(scope).writable_ids:
        return outcome
    # The right to the target was lost on the way.
    skipped = (replace(one, why="read-only") if one.why == "already-there" else one for one in outcome.skipped)
    return replace(outcome, skipped=tuple(skipped))


def trash_all(ids: Iterable[int], *, scope: Scope) -> Outcome:
    """Move items to the trash."""
    bin_ = collections.ensure_system(scope.team_id)[Purpose.TRASH].pk
    return _each(ids, scope, partial(_write, statement=TRASH, target=bin_), live="gone")


def restore_all(ids: Iterable[int], *, scope: Scope) -> Outcome:
    """Put trashed items back where each was, or into the Inbox where that collection is gone."""
    inbox = collections.ensure_system(scope.team_id)[Purpose.INBOX].pk
    change = partial(_write, statement=RESTORE, inbox=inbox)
    return _each(ids, scope, change, live="restored", trashed="already-there")


def set_kind_all(ids: Iterable[int], kind: str, *, scope: Scope) -> Outcome:
    """Say of pictures what they are. What a person says outlives the rule."""
    if kind not in (Kind.IMAGE, Kind.SCREENSHOT):
        raise Refusal(_("A picture is an image or a screenshot; a text stays a text."), code="kind")
    return _each(ids, scope, partial(_write, statement=SET_KIND, kind=kind), live="a-text")


def tag_all(ids: Iterable[int], *, add: Iterable[str] = (), remove: Iterable[str] = (), scope: Scope) -> Outcome:
    """Put tags on items and take others off, whatever else they have."""
    adding = tags.normal(add)
    removing = [name for name in tags.normal(remove) if name not in adding]
    if not adding and not removing:
        raise Refusal(_("Nothing is left of this tag."), code="tag-missing")
    if len(adding) > tags.MOST:
        raise Refusal(_("An item has at most %(most)s tags.") % {"most": tags.MOST}, code="too-many-tags")
    return _each(ids, scope, partial(_tag, add=adding, remove=removing), live="too-many-tags")


def reason_of(why: str) -> str:
    """A reason in words, for people."""
    words = {
        "already-there": _("the collection has this file already"),
        "gone": _("not there any more"),
        "read-only": _("you may not change it"),
        "in-trash": _("in the trash"),
        "restored": _("not in the trash any more"),
        "a-text": _("a text stays a text"),
        "too-many-tags": _("it would have more than %(most)s tags") % {"most": tags.MOST},
    }
    return words.get(why, why)


def _each(ids: Iterable[int], scope: Scope, change: Change, *, live: str, trashed: str = "in-trash") -> Outcome:
    """Change all, 500 in a transaction. `live` and `trashed`: why an item within the rights was left where it is."""
    wanted = list(dict.fromkeys(ids))
    done: dict[int, int] = {}
    for first in range(0, len(wanted), AT_ONCE):
        scope = kept(scope)
        # Who is no member any more has no collection left, and takes nothing back either.
        if scope.collection_ids:
            done |= _changed(wanted[first : first + AT_ONCE], scope, change)
    return Outcome(done, tuple(_left([pk for pk in wanted if pk not in done], scope, live=live, trashed=trashed)))


def _changed(some: Sequence[int], scope: Scope, change: Change) -> dict[int, int]:
    """Change some in one transaction. Bytes that came into the collection at this moment break it: then in halves."""
    try:
        with transaction.atomic():
            return change(some, scope)
    except IntegrityError:
        if len(some) == 1:
            return {}
    half = len(some) // 2
    return _changed(some[:half], scope, change) | _changed(some[half:], scope, change)


def _move(some: Sequence[int], scope: Scope, *, target: int) -> dict[int, int]:
    return _write(some, scope, statement=MOVE, target=target) if target in scope.writable_ids else {}


def _write(some: Sequence[int], scope: Scope, *, statement: LiteralString, **values: Any) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**_rights(scope), "ids": list(some), **values})
        return dict(cursor.fetchall())


def _rights(scope: Scope) -> dict[str, Any]:
    return {"writable": list(scope.writable_ids), "team": scope.team_id, "user": scope.user_id}


def _tag(some: Sequence[int], scope: Scope, *, add: Sequence[str], remove: Sequence[str]) -> dict[int, int]:
    here = Item.objects.filter(pk__in=some, collection_id__in=scope.writable_ids, trashed_at=None)
    locked = here.filter(team_id=scope.team_id).select_for_update(of=("self",), no_key=True).order_by("pk")
    mine = dict(locked.values_list("pk", "collection_id"))
    full = tags.full(list(mine), add=add, remove=remove) if add else set()
    able = [pk for pk in mine if pk not in full]
    changed = tags.change(able, add=add, remove=remove, team_id=scope.team_id)
    jobs = [Job(kind="embed", queue="embed", lane=Lane.BULK, team_id=scope.team_id, subject=pk) for pk in able]
    queue.enqueue([job for job in jobs if job.subject in changed])
    return {pk: mine[pk] for pk in able}


def _left(ids: Sequence[int], scope: Scope, *, live: str, trashed: str) -> Iterator[Skipped]:
    """Why each of these was left. Of what the person may not read nothing is told."""
    known = Item.objects.filter(pk__in=ids, team_id=scope.team_id)
    rows = {row[0]: row[1:] for row in known.values_list("pk", "title", "collection_id", "trashed_from_id")}
    writable, readable = set(scope.writable_ids), set(scope.collection_ids)
    for pk in ids:
        title, collection, before = rows.get(pk, ("", None, None))
        if collection in writable:
            yield Skipped(pk, title, live)
        elif collection in readable:
            yield Skipped(pk, title, "read-only")
        elif before in writable:
            yield Skipped(pk, title, trashed)
        else:
            yield Skipped(pk, "", "gone")
