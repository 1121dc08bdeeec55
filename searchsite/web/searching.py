"""The search page: a question in the address, and its hits."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite.library import pictures
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.search import browse, facets, find, questions
from searchsite.search.tokens import QUOTES
from searchsite.search.words import phrases_in
from searchsite.web import cards, faceting, lines, narrowing, wayout
from searchsite.web.doors import MemberRequest, in_team, refused


@in_team("GET")
def search(request: MemberRequest) -> HttpResponseBase:
    """Show what answers the question in the address; without a question, the newest items."""
    page = narrowing.page_of(request.GET, request.scope)
    try:
        question = questions.from_query(request.GET)
        results = find.find(question, request.scope)
    except questions.BadQuestion as wrong:
        return _misunderstood(request, page, wrong)
    page |= _shown(question, results) | _listed(question, results, request.GET.get("heads", ""))
    if request.htmx and "cursor" in request.GET:
        return render(request, "search/_page.html", page)
    if not results.hits:
        page["why"] = wayout.why_empty(question, request.GET, request.scope, page["chips"])
        page["unquoted"] = _unquoted(question, request.GET)
    page |= {"drawer": request.COOKIES.get("drawer") == "open", "undo": request.session.pop("undo", None)}
    return render(request, "search/page.html", page)


@in_team("GET")
def search_facets(request: MemberRequest) -> HttpResponseBase:
    """Count what the question in the address can be narrowed by: for the drawer, or as a page of its own."""
    page = narrowing.page_of(request.GET, request.scope)
    try:
        counted = facets.facets(questions.from_query(request.GET), request.scope)
    except questions.BadQuestion as wrong:
        return _misunderstood(request, page, wrong)
    page |= faceting.shown(counted, request.GET)
    return render(request, "search/_facets.html" if request.htmx else "search/facets.html", page)


@in_team("GET", "POST")
def search_picture(request: MemberRequest) -> HttpResponseBase:
    """Keep the picture that was chosen, dropped or pasted, and go to the search by it."""
    if request.method != "POST":
        return render(request, "search/picture.html", {})
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Refusal(_("Choose a picture first."), code="missing")
        kept = pictures.add_query_picture(file, scope=request.scope)
    except Refusal as refusal:
        if request.htmx:
            return refused(request, refusal)
        return render(request, "search/picture.html", {"refusal": refusal}, status=refusal.status)
    words = request.POST.get("q", "").strip()[:2000]
    asked = {"picture": str(kept.public_id)} | ({"q": words} if words else {})
    return redirect(f"/?{urlencode(asked)}")


def _shown(question: questions.Question, results: find.Results) -> dict[str, Any]:
    # What the embedder always says of itself stands at the foot; what happened to this question, above the hits.
    # Asking again mends none of how a question was read.
    standing, mistakes = set(results.standing), question.mistakes
    return {
        "asked": bool(question.terms),
        "total": results.total_estimate,
        "written": _written(results.total_estimate, question),
        "seconds": results.took_ms / 1000,
        "banners": [note for note in results.notes if note not in standing and note not in mistakes],
        "mistakes": mistakes,
        "notes": [note for note in results.notes if note in standing],
        "space": results.space,
        "next_cursor": results.next_cursor,
    }


def _listed(question: questions.Question, results: find.Results, heads: str) -> dict[str, Any]:
    """The cards, with the lines between them."""
    within = questions.to_query(replace(question, cursor=None))
    listed = cards.of_hits(results.hits, question.words, within=within)
    grain = lines.grain_of(question, results.hits, heads)
    folded = all_weak = False
    if grain:
        lines.by_date(listed, grain)
    else:
        folded, all_weak = lines.by_likelihood(listed)
    return {"cards": listed, "heads": grain, "lower": bool(grain), "folded": folded, "all_weak": all_weak}


def _unquoted(question: questions.Question, params: QueryDict) -> str:
    """The same search for the words in quotes, near or exact; nothing where there are no quotes."""
    asked = words = params.get("q", "").translate(QUOTES)
    for phrase in phrases_in(question.words):
        # Not what is left out, nor the value of a field.
        inside = r"\s+".join(map(re.escape, phrase.split()))
        words = re.sub(rf'(?<![-:\w])"\s*({inside})\s*"', r"\1", words)
    return narrowing.address(params, drop=narrowing.PLACE, q=words) if words != asked else ""


def _written(total: int, question: questions.Question) -> str:
    """The number as people read it; browsing counts only so far."""
    least = not question.seeks and total >= browse.MOST_COUNTED
    return grouped(total) + ("+" if least else "")


def _misunderstood(request: MemberRequest, page: dict[str, Any], wrong: questions.BadQuestion) -> HttpResponse:
    status = 404 if isinstance(wrong, questions.NotFound) else 400
    if request.htmx:
        return HttpResponse(str(wrong), content_type="text/plain; charset=utf-8", status=status)
    return render(request, "search/page.html", page | {"asked": True, "wrong": str(wrong)}, status=status)
