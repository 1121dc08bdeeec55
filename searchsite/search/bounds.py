"""Where a question looks: the scope and the filters as conditions in SQL. Nothing is read outside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

from django.utils.translation import gettext as _

from searchsite.accounts.models import User
from searchsite.library.models import Collection
from searchsite.library.scope import Scope
from searchsite.search import conditions
from searchsite.search.columns import ITEM as ITEM
from searchsite.search.columns import VECTOR as VECTOR
from searchsite.search.columns import midnight
from searchsite.search.conditions import Clause
from searchsite.search.questions import Filters, NotFound, Question

TAGGED = """ IN (
    SELECT item_tag.item_id FROM item_tag JOIN tag ON tag.id = item_tag.tag_id
    WHERE tag.team_id = %(team)s AND tag.name = ANY(%(tags)s::text[])
    GROUP BY item_tag.item_id HAVING count(*) = cardinality(%(tags)s::text[]))"""


@dataclass(frozen=True)
class Bounds:
    """Resolved scope and filters. `only` and `without` are items; None and () mean no such bound."""

    team: int
    collections: tuple[int, ...]
    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    by: int | None = None
    after: datetime | None = None
    before: datetime | None = None
    until: datetime | None = None
    only: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    clauses: tuple[Clause, ...] = ()

    def conditions(self, columns: Mapping[LiteralString, LiteralString]) -> LiteralString:
        """Conditions on one table's columns; their values are `values`."""
        own = columns[""]
        found: list[LiteralString] = [own + "collection_id = ANY(%(collections)s::bigint[])"]
        if self.kinds:
            found.append(own + "kind = ANY(%(kinds)s::text[])")
        if self.tags:
            found.append(columns["item"] + TAGGED)
        if self.by is not None:
            found.append(columns["by"] + " = %(by)s")
        if self.after is not None:
            found.append(own + "created_at >= %(after)s")
        if self.before is not None:
            found.append(own + "created_at < %(before)s")
        if self.until is not None:
            found.append(own + "created_at <= %(until)s")
        if self.only is not None:
            found.append(columns["item"] + " = ANY(%(only)s::bigint[])")
        if self.without:
            found.append(columns["item"] + " <> ALL(%(without)s::bigint[])")
        found += [clause.on(columns) for clause in self.clauses]
        return " AND ".join(found)

    @property
    def values(self) -> dict[str, Any]:
        """Values of the conditions."""
        found: dict[str, Any] = {"collections": list(self.collections), "team": self.team}
        for name in ("kinds", "tags", "only", "without"):
            given = getattr(self, name)
            if given is not None:
                found[name] = list(given)
        for name in ("by", "after", "before", "until"):
            found[name] = getattr(self, name)
        for clause in self.clauses:
            found |= clause.values
        return found

    def narrowed(self, *, only: Iterable[int]) -> Bounds:
        """The same bounds over these items alone."""
        own = None if self.only is None else set(self.only)
        return replace(self, only=tuple(one for one in only if own is None or one in own))


def bounds_for(question: Question, scope: Scope) -> Bounds | None:
    """Resolve a question's filters and conditions within a scope; None when nothing can be in them.

    Raises NotFound for a collection that is not there for this person, and BadQuestion for what takes too long.
    """
    filters = question.filters
    collections = _collections(filters, scope)
    by = None
    if filters.by is not None:
        by = User.objects.filter(username=filters.by).values_list("pk", flat=True).first()
        if by is None:
            return None
    if not collections:
        return None
    named = scope.collection_ids
    needed = conditions.met(question.conditions, team=scope.team_id, collections=collections, named=named)
    return Bounds(
        only=needed.only,
        without=needed.without,
        clauses=needed.clauses,
        team=scope.team_id,
        collections=collections,
        kinds=filters.kinds,
        tags=filters.tags,
        by=by,
        after=midnight(filters.after) if filters.after else None,
        before=midnight(filters.before) if filters.before else None,
    )


def _collections(filters: Filters, scope: Scope) -> tuple[int, ...]:
    if not filters.collections:
        return scope.collection_ids
    wanted = set(filters.collections)
    found = Collection.objects.filter(public_id__in=wanted, pk__in=scope.collection_ids).values_list("pk", flat=True)
    if len(found) < len(wanted):
        raise NotFound(_("There is no such collection."))
    return tuple(found)
