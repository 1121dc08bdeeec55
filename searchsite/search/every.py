"""All results of a question, not only a page of them: what paging to the end would show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from searchsite.indexing import spaces
from searchsite.library.scope import Scope
from searchsite.search import asking, browse
from searchsite.search.bounds import bounds_for
from searchsite.search.conditions import Met
from searchsite.search.pace import Budget
from searchsite.search.questions import Question, checked
from searchsite.search.seeking import Search

MOST = browse.MOST_COUNTED
"""So many at most; a question with words or pictures never finds more, as each channel looks only so deep."""


@dataclass(frozen=True)
class Gathered:
    """Ids of what a question finds, best or newest first. whole: no part of the search took too long."""

    ids: list[int] = field(default_factory=list)
    whole: bool = True


def every(question: Question, scope: Scope, *, until: datetime | None = None) -> list[int]:
    """Ids of everything that the question finds within the scope now, best or newest first; at most MOST.

    until: what came in later is left out, so that nobody changes what they have not been told of. The order is that of
    the first search; a reranker would only put the same items in another. Raises BadQuestion, or NotFound.
    """
    return gathered(question, scope, Budget(), until=until).ids


def gathered(
    question: Question, scope: Scope, budget: Budget, *, until: datetime | None = None, needed: Met | None = None
) -> Gathered:
    """Everything that a question finds, as `every`. needed: what it demands, where that was found before."""
    asked = replace(checked(question), cursor=None, rerank=False)
    bounds = bounds_for(asked, scope, budget, needed)
    if bounds is None:
        asking.resolve(asked.terms, scope)
        return Gathered()
    bounds = replace(bounds, until=until)
    if not asked.seeks:
        found, _more = browse.page(replace(asked, limit=MOST), bounds, None)
        return Gathered([one.item_id for one in found])
    search = Search(asked, scope, bounds, spaces.active(), budget)
    return Gathered([one.item_id for one in search.found(None)[:MOST]], not search.cut)
