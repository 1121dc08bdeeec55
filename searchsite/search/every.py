"""All results of a question, not only a page of them: what paging to the end would show."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from searchsite.indexing import spaces
from searchsite.library.scope import Scope
from searchsite.search import asking, browse
from searchsite.search.bounds import bounds_for
from searchsite.search.conditions import Met
from searchsite.search.questions import Question, checked
from searchsite.search.seeking import Search

MOST = browse.MOST_COUNTED
"""So many at most; a question with words or pictures never finds more, as each channel looks only so deep."""


def every(question: Question, scope: Scope, *, until: datetime | None = None, needed: Met | None = None) -> list[int]:
    """Ids of everything that the question finds within the scope now, best or newest first; at most MOST.

    until: what came in later is left out, so that nobody changes what they have not been told of. needed: what its
    conditions demand, where that was found before. The order is that of
    the first search; a reranker would only put the same items in another. Raises BadQuestion, or NotFound.
    """
    asked = replace(checked(question), cursor=None, rerank=False)
    bounds = bounds_for(asked, scope, needed)
    if bounds is None:
        asking.resolve(asked.terms, scope)
        return []
    bounds = replace(bounds, until=until)
    if asked.seeks:
        found = Search(asked, scope, bounds, spaces.active()).found(None)
    else:
        found, _more, _total = browse.page(replace(asked, limit=MOST), bounds, None)
    return [one.item_id for one in found[:MOST]]
