"""Where a question looks: the scope and the filters as conditions in SQL. Nothing is read outside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

from django.utils.translation import gettext as _

from searchsite.library.models import Collection
from searchsite.library.scope import Scope
from searchsite.search import conditions, duplicates, pace
from searchsite.search.columns import ITEM as ITEM
from searchsite.search.columns import VECTOR as VECTOR
from searchsite.search.columns import midnight
from searchsite.search.conditions import Clause, Met
from searchsite.search.lookups import Lookups
from searchsite.search.members import NOBODY, Members
from searchsite.search.pace import Budget
from searchsite.search.questions import Filters, NotFound, Question


@dataclass(frozen=True)
class Bounds:
    """Resolved scope and filters. `only` and `without` are items; None and () mean no such bound."""

    team: int
    collections: tuple[int, ...]
    kinds: tuple[str, ...] = ()
    by: int | None = None
    after: datetime | None = None
    before: datetime | None = None
    until: datetime | None = None
    only: Members | None = None
    without: Members = NOBODY
    clauses: tuple[Clause, ...] = ()

    def conditions(self, columns: Mapping[LiteralString, LiteralString]) -> LiteralString:
        """Conditions on one table's columns; their values are `values`."""
        own = columns[""]
        found: list[LiteralString] = [own + "collection_id = ANY(%(collections)s::bigint[])"]
        if self.kinds:
            found.append(own + "kind = ANY(%(kinds)s::text[])")
        if self.by is not None:
            found.append(columns["by"] + " = %(by)s")
        if self.after is not None:
            found.append(own + "created_at >= %(after)s")
        if self.before is not None:
            found.append(own + "created_at < %(before)s")
        if self.until is not None:
            found.append(own + "created_at <= %(until)s")
        if self.only is not None:
            found.append(self.only.condition(columns["item"], "only"))
        if self.without:
            found.append("NOT " + self.without.condition(columns["item"], "without"))
        found += [clause.on(columns) for clause in self.clauses]
        return " AND ".join(found)

    @property
    def values(self) -> dict[str, Any]:
        """Values of the conditions."""
        found: dict[str, Any] = {"collections": list(self.collections), "kinds": list(self.kinds)}
        if self.only is not None:
            found |= self.only.values("only")
        if self.without:
            found |= self.without.values("without")
        for name in ("by", "after", "before", "until"):
            found[name] = getattr(self, name)
        for clause in self.clauses:
            found |= clause.values
        return found

    def narrowed(self, *, only: Iterable[int]) -> Bounds:
        """The same bounds over these items alone."""
        wanted = Members.of(only)
        return replace(self, only=wanted if self.only is None else self.only & wanted)

    def lacking(self, without: Iterable[int]) -> Bounds:
        """The same bounds but for these items."""
        gone = Members.of(without)
        return replace(self, without=self.without | gone) if len(gone) else self

    @property
    def come_again(self) -> bool:
        """Whether other questions have the same bounds: without sets of items, which are each question's own."""
        return self.only is None and not self.without and not self.clauses


def demanded(question: Question, scope: Scope, budget: Budget) -> Met:
    """What a question's conditions and tags demand of its hits, under whichever other filters.

    Raises NotFound for what is not there for this person, and TooLong.
    """
    needed = conditions.met(question.conditions, team=scope.team_id, named=scope.collection_ids, budget=budget)
    if not question.filters.tags:
        return needed
    tagged = Lookups(scope.team_id, Budget(pace.CONDITIONS, budget)).having_all(question.filters.tags)
    return replace(needed, only=tagged if needed.only is None else needed.only & tagged)


def bounds_for(question: Question, scope: Scope, budget: Budget, needed: Met | None = None) -> Bounds | None:
    """Resolve a question's filters and conditions within a scope; None when nothing can be in them.

    budget: the time for looking things up. needed: what is demanded, where that was found before. Raises NotFound for a
    collection that is not there for this person, and TooLong.
    """
    filters = question.filters
    collections = _collections(filters, scope)
    by = None
    if filters.by is not None:
        by = conditions.somebody(filters.by, team=scope.team_id, collections=scope.collection_ids)
        if by is None:
            return None
    if not collections:
        return None
    needed = needed or demanded(question, scope, budget)
    found = Bounds(
        only=needed.only,
        without=needed.without,
        clauses=needed.clauses,
        team=scope.team_id,
        collections=collections,
        kinds=filters.kinds,
        by=by,
        after=midnight(filters.after) if filters.after else None,
        before=midnight(filters.before) if filters.before else None,
    )
    return found if filters.copies is None else found.narrowed(only=duplicates.of(filters.copies, scope))


def _collections(filters: Filters, scope: Scope) -> tuple[int, ...]:
    if not filters.collections:
        return scope.collection_ids
    wanted = set(filters.collections)
    found = Collection.objects.filter(public_id__in=wanted, pk__in=scope.collection_ids).values_list("pk", flat=True)
    if len(found) < len(wanted):
        raise NotFound(_("There is no such collection."))
    return tuple(found)
